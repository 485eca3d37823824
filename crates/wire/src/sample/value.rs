//! One series' values as bits: exact decimals or floats, predicted from the values before.
//!
//! Most values of a host are decimals with few digits (hundredths of a second, KiB, ratios of four
//! digits). Such a value is kept as the integer `m` of `m / 10^k` (or `m * 2^k`) and coded as an
//! adaptive Rice code of its difference from a prediction: the value before, or the value before
//! plus the last difference, whichever was nearer of late. Both ends follow the same integers, so
//! nothing but the code is sent. Anything else is XORed with the value before, as Gorilla does.
//! What comes out has the very bits that went in; a change of form is sent, never guessed.

use crate::bits::{BitReader, BitWriter};
use crate::varint::{unzigzag, zigzag};

/// Powers of ten for `m / 10^k`.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Factors for `m * 2^k`: sectors, KiB, pages.
const FACTORS: [f64; 3] = [512.0, 1024.0, 4096.0];
const FORM_BITS: u32 = 4;
/// Forms 0–9 are decimals, 10–12 multiples; this one is the float.
const FLOAT: u8 = 13;
/// No value yet.
const NEW: u8 = 15;
/// Integers up to here are exact in a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Ones in front of a Rice code that mean "not a Rice code".
const ESCAPE_ONES: u32 = 16;
/// So many decimals in a row bring a float series back to decimals.
const DECIMALS_TO_RETURN: u8 = 16;
/// Mean differences are kept in sixteenths.
const MEAN_SCALE_LOG2: u32 = 4;
const MEAN_START: u32 = 32 << MEAN_SCALE_LOG2;

/// What both ends know of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    form: u8,
    /// Whether the value before equalled the one before it.
    still: bool,
    /// Float form: decimals seen in a row, only used by the writer.
    decimals: u8,
    /// Float form: the window of meaningful bits.
    leading: u8,
    trailing: u8,
    /// Mean difference from the value before, and from the straight line.
    mean_same: u32,
    mean_line: u32,
    /// The integer, or the float's bits.
    last: i64,
    delta: i64,
}

impl Series {
    pub(super) const NEW: Self = Self {
        form: NEW,
        still: false,
        decimals: 0,
        leading: 0,
        trailing: 0,
        mean_same: MEAN_START,
        mean_line: MEAN_START,
        last: 0,
        delta: 0,
    };

    pub(super) fn write(&mut self, value: f64, out: &mut BitWriter<'_>) {
        if self.form == NEW {
            let (form, integer) = fit_any(value);
            self.write_start(form, integer, out);
        } else if self.form == FLOAT {
            self.write_float(value, out);
        } else if let Some(integer) = fit(self.form, value) {
            self.write_integer(integer, out);
        } else {
            if self.still {
                out.put(1, 1);
            }
            out.put_ones(ESCAPE_ONES);
            out.put(1, 1);
            let (form, integer) = fit_wider(self.form, value);
            self.write_start(form, integer, out);
        }
    }

    pub(super) fn read(&mut self, bits: &mut BitReader<'_>) -> Option<f64> {
        match self.form {
            NEW => self.read_start(bits)?,
            FLOAT => self.read_float(bits)?,
            _ => self.read_integer(bits)?,
        }
        Some(self.value())
    }

    fn value(&self) -> f64 {
        restore(self.form, self.last)
    }

    fn write_start(&mut self, form: u8, last: i64, out: &mut BitWriter<'_>) {
        out.put(u64::from(form), FORM_BITS);
        if form == FLOAT {
            out.put(last as u64, 64);
        } else {
            write_number(zigzag(last), out);
        }
        self.start(form, last);
    }

    fn read_start(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        let form = u8::try_from(bits.take(FORM_BITS)?).ok()?;
        let last = match form {
            FLOAT => bits.take(64)? as i64,
            form if form < FLOAT => unzigzag(read_number(bits)?),
            _ => return None,
        };
        self.start(form, last);
        Some(())
    }

    const fn start(&mut self, form: u8, last: i64) {
        *self = Self {
            form,
            last,
            leading: 64,
            ..Self::NEW
        };
    }

    fn write_integer(&mut self, integer: i64, out: &mut BitWriter<'_>) {
        if self.still {
            let changed = integer != self.last;
            out.put(u64::from(changed), 1);
            if !changed {
                return;
            }
        }
        let residual = zigzag(integer.wrapping_sub(self.prediction()));
        let width = self.rice_width();
        if residual >> width < u64::from(ESCAPE_ONES) {
            let ones = (residual >> width) as u32;
            out.put_ones(ones);
            out.put(0, 1);
            out.put(residual, width);
        } else {
            out.put_ones(ESCAPE_ONES);
            out.put(0, 1);
            write_number(residual, out);
        }
        self.advance(integer);
    }

    fn read_integer(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        if self.still && bits.take(1)? == 0 {
            return Some(());
        }
        let width = self.rice_width();
        let ones = bits.take_ones(ESCAPE_ONES)?;
        let residual = if ones < ESCAPE_ONES {
            (u64::from(ones) << width) | bits.take(width)?
        } else if bits.take(1)? == 0 {
            read_number(bits)?
        } else {
            return self.read_start(bits);
        };
        self.advance(self.prediction().wrapping_add(unzigzag(residual)));
        Some(())
    }

    const fn follows_line(&self) -> bool {
        self.mean_line < self.mean_same
    }

    const fn prediction(&self) -> i64 {
        if self.follows_line() {
            self.last.wrapping_add(self.delta)
        } else {
            self.last
        }
    }

    /// Low bits written as they are: about the logarithm of the mean difference.
    fn rice_width(&self) -> u32 {
        let mean = self.mean_same.min(self.mean_line);
        ((mean - mean / 4) >> MEAN_SCALE_LOG2)
            .saturating_add(1)
            .ilog2()
    }

    fn advance(&mut self, integer: i64) {
        let delta = integer.wrapping_sub(self.last);
        let bend = delta.wrapping_sub(self.delta);
        self.mean_same = follow(self.mean_same, zigzag(delta));
        self.mean_line = follow(self.mean_line, zigzag(bend));
        self.still = delta == 0;
        self.delta = delta;
        self.last = integer;
    }

    fn write_float(&mut self, value: f64, out: &mut BitWriter<'_>) {
        let (form, integer) = fit_any(value);
        self.decimals = if form == FLOAT {
            0
        } else {
            self.decimals.saturating_add(1)
        };
        let xor = value.to_bits() ^ self.last as u64;
        if xor != 0 && self.decimals >= DECIMALS_TO_RETURN {
            out.put(0b111, 3);
            self.write_start(form, integer, out);
            return;
        }
        if xor == 0 {
            out.put(0, 1);
            return;
        }
        let (leading, trailing) = (xor.leading_zeros() as u8, xor.trailing_zeros() as u8);
        let leading = leading.min(31);
        if self.leading < 64 && leading >= self.leading && trailing >= self.trailing {
            out.put(0b10, 2);
        } else {
            out.put(0b110, 3);
            (self.leading, self.trailing) = (leading, trailing);
            out.put(u64::from(leading), 5);
            out.put(u64::from(self.window() - 1), 6);
        }
        out.put(xor >> self.trailing, self.window());
        self.last = value.to_bits() as i64;
    }

    fn read_float(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        match bits.take_ones(3)? {
            0 => return Some(()),
            1 if self.leading < 64 => {}
            2 => {
                self.leading = bits.take(5)? as u8;
                let window = bits.take(6)? as u8 + 1;
                self.trailing = 64_u8.checked_sub(self.leading + window)?;
            }
            3 => return self.read_start(bits),
            _ => return None,
        }
        let xor = bits.take(self.window())? << self.trailing;
        self.last ^= xor as i64;
        Some(())
    }

    const fn window(&self) -> u32 {
        64 - self.leading as u32 - self.trailing as u32
    }
}

/// A running mean with a memory of about eight values.
fn follow(mean: u32, residual: u64) -> u32 {
    let residual = residual.min(1 << 26) as u32;
    mean - mean / 8 + (residual << MEAN_SCALE_LOG2) / 8
}

/// Six bits of length, then the number without its highest bit.
fn write_number(number: u64, out: &mut BitWriter<'_>) {
    let len = 64 - number.leading_zeros();
    out.put(u64::from(len.min(63)), 6);
    let low = if len >= 63 { 64 } else { len.saturating_sub(1) };
    out.put(number, low);
}

fn read_number(bits: &mut BitReader<'_>) -> Option<u64> {
    match bits.take(6)? as u32 {
        63 => bits.take(64),
        0 => Some(0),
        len => Some((1 << (len - 1)) | bits.take(len - 1)?),
    }
}

/// The value that a form and an integer stand for.
fn restore(form: u8, integer: i64) -> f64 {
    let index = usize::from(form);
    if let Some(power) = POWERS.get(index) {
        return integer as f64 / power;
    }
    match FACTORS.get(index - POWERS.len()) {
        Some(factor) => integer as f64 * factor,
        None => f64::from_bits(integer as u64),
    }
}

/// The integer with which `form` stands for exactly this value.
fn fit(form: u8, value: f64) -> Option<i64> {
    let index = usize::from(form);
    let scaled = match POWERS.get(index) {
        Some(power) => value * power,
        None => value / FACTORS.get(index - POWERS.len())?,
    };
    let rounded = scaled.round();
    if rounded.is_nan() || rounded.abs() > EXACT_MAX {
        return None;
    }
    let integer = rounded as i64;
    (restore(form, integer).to_bits() == value.to_bits()).then_some(integer)
}

/// The form for the first value of a series: a multiple where it is one, the fewest digits else.
fn fit_any(value: f64) -> (u8, i64) {
    if value.abs() >= FACTORS[1] {
        for form in [12, 11, 10] {
            if let Some(integer) = fit(form, value) {
                return (form, integer);
            }
        }
    }
    fit_digits(0, value)
}

/// The next form when the one in force does not fit: never one that was left before.
fn fit_wider(form: u8, value: f64) -> (u8, i64) {
    if form >= 10 {
        for narrower in (10..form).rev() {
            if let Some(integer) = fit(narrower, value) {
                return (narrower, integer);
            }
        }
        return fit_digits(0, value);
    }
    fit_digits(form + 1, value)
}

fn fit_digits(from: u8, value: f64) -> (u8, i64) {
    (from..10)
        .find_map(|form| fit(form, value).map(|integer| (form, integer)))
        .unwrap_or((FLOAT, value.to_bits() as i64))
}
