//! From sample blocks to batches: numbers are resolved once, times are checked, repeats are known.

use model::{CiId, limits};
use wire::{BlockHead, BlockSink, Decoder, SampleError};

use crate::ports::{IngestBatch, Sample, SeriesRefused, SeriesResolver};
use crate::words::AgentWarning;

/// A live batch later than this is stored and drawn, not judged: late data never pages.
const LATE_INTERVALS_MAX: i64 = 6;
const LATE_MS_MIN: i64 = 60_000;

/// One direction of samples of one connection: the live ones, or the backlog.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    decoder: Decoder,
    numbers: Numbers,
    /// How many samples the last block had: the next one is likely as large.
    expected: usize,
}

/// Local numbers of the connection → numbers of the store.
#[derive(Debug, Default)]
struct Numbers {
    list: Vec<u32>,
    kept: usize,
}

/// A series without a number in the store; its samples are left out.
const REFUSED: u32 = u32::MAX;

/// What is the same for all blocks of a connection.
pub(crate) struct Source<'a> {
    pub(crate) agent: model::AgentId,
    pub(crate) host: CiId,
    pub(crate) resolver: &'a dyn SeriesResolver,
    pub(crate) received_ms: i64,
}

/// A block as it goes on.
pub(crate) struct Read {
    pub(crate) batch: IngestBatch,
    pub(crate) warnings: Vec<AgentWarning>,
    /// Its time lies so far in the future that it is acknowledged and forgotten.
    pub(crate) useless: bool,
}

impl Lane {
    /// Reads one block.
    ///
    /// # Errors
    /// When it is malformed; the connection then ends.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        live: bool,
        source: &Source<'_>,
    ) -> Result<Read, SampleError> {
        let mut builder = Builder {
            source,
            numbers: &mut self.numbers,
            head: BlockHead::default(),
            samples: Vec::with_capacity(self.expected),
            warnings: Vec::new(),
        };
        self.decoder.block(bytes, &mut builder)?;
        let Builder {
            head,
            samples,
            mut warnings,
            ..
        } = builder;
        self.expected = samples.len();
        let received_ms = source.received_ms;
        let (time_ms, fate) = place_in_time(&head, live, received_ms);
        if fate.is_wrong() {
            warnings.push(future_warning(&head, received_ms));
        }
        let batch = IngestBatch {
            agent: source.agent,
            host: source.host,
            live: live && fate != Fate::Late,
            replay: head.replay,
            seq: head.seq,
            time_ms,
            received_ms,
            interval_ms: head.interval_ms,
            samples,
        };
        Ok(Read {
            batch,
            warnings,
            useless: fate == Fate::Useless,
        })
    }
}

/// What a block's time means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Fine,
    /// Live, but too late to be judged.
    Late,
    /// In the future: a live block is taken as of now, so that no host vanishes.
    Moved,
    /// Backlog from the future: nothing can be made of it.
    Useless,
}

impl Fate {
    const fn is_wrong(self) -> bool {
        matches!(self, Self::Moved | Self::Useless)
    }
}

fn place_in_time(head: &BlockHead, live: bool, received_ms: i64) -> (i64, Fate) {
    let ahead_ms = head.time_ms.saturating_sub(received_ms);
    if ahead_ms > limits::SAMPLE_FUTURE_MS_MAX {
        return if live {
            (received_ms, Fate::Moved)
        } else {
            (head.time_ms, Fate::Useless)
        };
    }
    let late_ms_max = (LATE_INTERVALS_MAX * i64::from(head.interval_ms)).max(LATE_MS_MIN);
    let late = live && ahead_ms < -late_ms_max;
    (head.time_ms, if late { Fate::Late } else { Fate::Fine })
}

fn future_warning(head: &BlockHead, received_ms: i64) -> AgentWarning {
    let ahead_s = head.time_ms.saturating_sub(received_ms) / 1_000;
    AgentWarning {
        code: "future-samples".to_owned(),
        subject: String::new(),
        text: format!(
            "samples are {ahead_s} s ahead of the server's clock; the limit is {} s",
            limits::SAMPLE_FUTURE_MS_MAX / 1_000
        ),
        at_ms: received_ms,
    }
}

struct Builder<'a> {
    source: &'a Source<'a>,
    numbers: &'a mut Numbers,
    head: BlockHead,
    samples: Vec<Sample>,
    warnings: Vec<AgentWarning>,
}

impl Builder<'_> {
    fn resolve(&self, name: &str, labels: &[(&str, &str)]) -> Result<u32, SeriesRefused> {
        if self.numbers.kept >= limits::SERIES_PER_HOST_MAX {
            return Err(SeriesRefused::Limit {
                limit: limits::SERIES_PER_HOST_MAX,
            });
        }
        self.source.resolver.resolve(self.source.host, name, labels)
    }

    /// One warning a metric: a flood of labels must not become a flood of warnings.
    fn warn(&mut self, metric: &str, refused: &SeriesRefused) {
        let code = match refused {
            SeriesRefused::Limit { .. } => "series-limit",
            SeriesRefused::Malformed(_) => "series-malformed",
        };
        if self
            .warnings
            .iter()
            .any(|w| w.code == code && w.subject == metric)
        {
            return;
        }
        self.warnings.push(AgentWarning {
            code: code.to_owned(),
            subject: metric.to_owned(),
            text: format!("samples of `{metric}` are left out: {refused}"),
            at_ms: self.source.received_ms,
        });
    }
}

impl BlockSink for Builder<'_> {
    fn reset(&mut self) {
        *self.numbers = Numbers::default();
    }

    fn define(&mut self, _id: u32, name: &str, labels: &[(&str, &str)]) {
        let number = match self.resolve(name, labels) {
            Ok(number) => {
                self.numbers.kept += 1;
                number
            }
            Err(refused) => {
                self.warn(name, &refused);
                REFUSED
            }
        };
        self.numbers.list.push(number);
    }

    fn head(&mut self, head: &BlockHead, samples: usize) {
        self.head = *head;
        self.samples.reserve(samples);
    }

    fn sample(&mut self, id: u32, value: f64) {
        let number = self
            .numbers
            .list
            .get(id as usize)
            .copied()
            .unwrap_or(REFUSED);
        if number != REFUSED {
            self.samples.push(Sample {
                series: number,
                value,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn head(time_ms: i64) -> BlockHead {
        BlockHead {
            seq: 1,
            time_ms,
            interval_ms: 10_000,
            replay: false,
        }
    }

    #[test]
    fn a_live_host_never_vanishes_by_its_clock() {
        let year_ms = 365 * 86_400_000;
        assert_eq!(
            place_in_time(&head(NOW_MS), true, NOW_MS),
            (NOW_MS, Fate::Fine)
        );
        let ahead = place_in_time(&head(NOW_MS + year_ms), true, NOW_MS);
        assert_eq!(ahead, (NOW_MS, Fate::Moved));
        let behind = place_in_time(&head(NOW_MS - year_ms), true, NOW_MS);
        assert_eq!(behind, (NOW_MS - year_ms, Fate::Late));
    }

    #[test]
    fn backlog_may_be_old_but_not_from_the_future() {
        let day_ms = 86_400_000;
        let old = place_in_time(&head(NOW_MS - day_ms), false, NOW_MS);
        assert_eq!(old, (NOW_MS - day_ms, Fate::Fine));
        let future = place_in_time(&head(NOW_MS + day_ms), false, NOW_MS);
        assert_eq!(future.1, Fate::Useless);
    }

    struct OnlyTwo;

    impl SeriesResolver for OnlyTwo {
        fn resolve(
            &self,
            _host: CiId,
            _name: &str,
            labels: &[(&str, &str)],
        ) -> Result<u32, SeriesRefused> {
            match labels {
                [("n", n)] if *n < "2" => Ok(n.parse().unwrap()),
                _ => Err(SeriesRefused::Limit { limit: 2 }),
            }
        }
    }

    #[test]
    fn a_flood_is_left_out_and_its_metric_named_once() {
        let mut encoder = wire::Encoder::new();
        for n in 0..5 {
            let n = n.to_string();
            encoder
                .define("flood", std::iter::once(("n", n.as_str())))
                .unwrap();
        }
        let mut out = Vec::new();
        let values = (0..5).map(|id| (id, f64::from(id)));
        encoder.block(&head(NOW_MS), values, &mut out).unwrap();
        let source = Source {
            agent: model::AgentId::from_bits(1),
            host: CiId::from_bits(2),
            resolver: &OnlyTwo,
            received_ms: NOW_MS,
        };
        let read = Lane::default().read(&out, true, &source).unwrap();
        let kept: Vec<u32> = read.batch.samples.iter().map(|s| s.series).collect();
        assert_eq!(kept, [0, 1]);
        assert_eq!(read.warnings.len(), 1);
        assert_eq!(read.warnings[0].subject, "flood");
        assert!(read.batch.live);
    }
}
