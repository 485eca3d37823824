//! Tests of the sample block: golden bytes, round trips, sizes, malformed input.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Default, PartialEq)]
struct Seen {
    series: Vec<String>,
    blocks: Vec<(BlockHead, Vec<(u32, u64)>)>,
    resets: u32,
}

impl BlockSink for Seen {
    fn reset(&mut self) {
        self.resets += 1;
        self.series.clear();
    }

    fn define(&mut self, id: u32, name: &str, labels: &[(&str, &str)]) {
        assert_eq!(id as usize, self.series.len());
        self.series.push(format!("{name}{labels:?}"));
    }

    fn head(&mut self, head: &BlockHead, samples: usize) {
        self.blocks.push((*head, Vec::with_capacity(samples)));
    }

    fn sample(&mut self, id: u32, value: f64) {
        self.blocks
            .last_mut()
            .unwrap()
            .1
            .push((id, value.to_bits()));
    }
}

fn head(seq: u64) -> BlockHead {
    BlockHead {
        seq,
        time_ms: 1_700_000_000_000 + 10_000 * seq as i64,
        interval_ms: 10_000,
        replay: false,
    }
}

fn encoder(series: usize) -> Encoder {
    let mut encoder = Encoder::new();
    for n in 0..series {
        encoder
            .define("m", [("n", n.to_string().as_str())].into_iter())
            .unwrap();
    }
    encoder
}

#[test]
fn the_bytes_of_a_block_do_not_change() {
    let mut encoder = Encoder::new();
    encoder.define("node_load1", std::iter::empty()).unwrap();
    encoder.define("up", [("job", "up")].into_iter()).unwrap();
    let mut first = Vec::new();
    encoder
        .block(&head(1), [(0, 0.25), (1, 1.0)], &mut first)
        .unwrap();
    assert_eq!(first, GOLDEN_FIRST);
    let mut second = Vec::new();
    encoder
        .block(&head(2), [(0, 0.5), (1, 1.0)], &mut second)
        .unwrap();
    assert_eq!(second, GOLDEN_SECOND);
    let mut third = Vec::new();
    encoder
        .block(
            &BlockHead {
                replay: true,
                ..head(9)
            },
            [(1, 0.1)],
            &mut third,
        )
        .unwrap();
    assert_eq!(third, GOLDEN_THIRD);
    let (mut decoder, mut seen) = (Decoder::new(), Seen::default());
    for block in [GOLDEN_FIRST, GOLDEN_SECOND, GOLDEN_THIRD] {
        decoder.block(block, &mut seen).unwrap();
    }
    assert_eq!(seen.series, ["node_load1[]", r#"up[("job", "up")]"#]);
    let bits = |v: f64| v.to_bits();
    assert_eq!(
        seen.blocks[1],
        (head(2), vec![(0, bits(0.5)), (1, bits(1.0))])
    );
    assert_eq!(seen.blocks[2].1, [(1, bits(0.1))]);
}

const GOLDEN_FIRST: &[u8] = &[
    23, 0, 144, 78, 128, 160, 171, 254, 249, 98, 2, 0, 10, 110, 111, 100, 101, 95, 108, 111, 97,
    100, 49, 0, 0, 2, 117, 112, 1, 0, 3, 106, 111, 98, 2, 3, 33, 164, 1, 0,
];
const GOLDEN_SECOND: &[u8] = &[0, 0, 0, 226, 0];
const GOLDEN_THIRD: &[u8] = &[24, 12, 192, 169, 7, 2, 255, 255, 196, 32];

/// Values as hosts have them: counters, ratios, bytes, pages, floats, constants, oddities.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-0.0),
        (0_i64..1_000_000).prop_map(|n| n as f64),
        (0_i64..1_000_000).prop_map(|n| n as f64 / 100.0),
        (0_i64..10_000).prop_map(|n| n as f64 / 10_000.0),
        (0_i64..1_000_000).prop_map(|n| n as f64 * 4096.0),
        (0_i64..1_000_000).prop_map(|n| n as f64 * 1024.0),
        any::<f64>(),
        any::<i64>().prop_map(|n| n as f64),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MIN_POSITIVE),
    ]
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        blocks in prop::collection::vec(
            (prop::collection::vec((0_u32..40, value()), 0..60), any::<i64>(), any::<u32>()),
            1..20,
        ),
        defined_at in 0_usize..20,
    ) {
        let (mut encoder, mut decoder) = (encoder(40), Decoder::new());
        let mut seen = Seen::default();
        for (n, (values, time_ms, interval_ms)) in blocks.into_iter().enumerate() {
            if n == defined_at {
                encoder.define("late", std::iter::empty()).unwrap();
            }
            let replay = n % 2 == 0;
            let head = BlockHead { seq: n as u64 * 7, time_ms, interval_ms, replay };
            let mut out = Vec::new();
            encoder.block(&head, values.iter().copied(), &mut out).unwrap();
            decoder.block(&out, &mut seen).unwrap();
            let mut expected = values;
            expected.sort_by_key(|v| v.0);
            expected.dedup_by_key(|v| v.0);
            let expected: Vec<_> = expected.iter().map(|v| (v.0, v.1.to_bits())).collect();
            prop_assert_eq!(seen.blocks.last().unwrap(), &(head, expected));
        }
    }

    #[test]
    fn any_bytes_are_understood_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        crate::fuzz::blocks(&bytes);
        crate::fuzz::frames(&bytes);
    }

    #[test]
    fn damaged_blocks_are_understood_or_refused(at in 0_usize..400, to in any::<u8>()) {
        let mut stream = Vec::new();
        let mut encoder = encoder(5);
        for seq in 1..8 {
            let mut block = Vec::new();
            let values = (0..5).map(|id| (id, f64::from(id) * seq as f64 / 3.0));
            encoder.block(&head(seq), values, &mut block).unwrap();
            stream.push(block.len() as u8);
            stream.extend(block);
        }
        if let Some(byte) = stream.get_mut(at) {
            *byte = to;
        }
        crate::fuzz::blocks(&stream);
    }
}

#[test]
fn unchanged_values_cost_a_bit_and_steady_counters_two_to_three() {
    let series = 200;
    let mut encoder = encoder(series);
    let mut len = 0;
    for seq in 1..=100 {
        let mut out = Vec::new();
        let constant = (0..100).map(|id| (id, 4096.0 * f64::from(id)));
        let counters = (100..200).map(|id| (id, f64::from(id * 100 + 987 * seq as u32) / 100.0));
        encoder
            .block(&head(seq), constant.chain(counters), &mut out)
            .unwrap();
        len = out.len();
    }
    assert!(len <= 3 + 100 / 8 + 100 * 3 / 8 + 1, "{len} bytes");
}

#[test]
fn a_block_out_of_place_is_refused_until_the_next_reset() {
    let mut sender = encoder(2);
    let mut blocks = Vec::new();
    for seq in 1..=2 {
        let mut out = Vec::new();
        sender
            .block(&head(seq), [(0, 1.0), (1, 2.0)], &mut out)
            .unwrap();
        blocks.push(out);
    }
    let mut seen = Seen::default();
    let mut decoder = Decoder::new();
    let unknown = Err(SampleError::Unknown("a dictionary"));
    assert_eq!(decoder.block(&blocks[1], &mut seen), unknown);
    decoder.block(&blocks[0], &mut seen).unwrap();
    let mut cut = blocks[1].clone();
    cut.pop();
    assert_eq!(
        decoder.block(&cut, &mut seen),
        Err(SampleError::Cut("values"))
    );
    assert_eq!(decoder.block(&blocks[1], &mut seen), unknown);
    decoder.block(&blocks[0], &mut seen).unwrap();
    decoder.block(&blocks[1], &mut seen).unwrap();
}

#[test]
fn limits_are_named() {
    let mut sender = encoder(1);
    let mut out = Vec::new();
    let undefined = SampleError::Undefined { id: 7, defined: 1 };
    assert_eq!(sender.block(&head(1), [(7, 0.0)], &mut out), Err(undefined));
    assert!(out.is_empty());
    let mut sender = encoder(DICTIONARY_MAX);
    let full = sender.define("one_more", std::iter::empty()).unwrap_err();
    assert_eq!(
        full.to_string(),
        "40001 series in one dictionary; the limit is 40000"
    );
    // A block that claims ten million definitions in a few bytes.
    let claim = [FLAG_RESET | FLAG_DEFINES, 0, 0, 0x80, 0xAD, 0xE2, 0x04, 0];
    let refused = Decoder::new().block(&claim, &mut Seen::default());
    assert_eq!(refused, Err(SampleError::Cut("definitions")));
}
