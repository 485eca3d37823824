//! The series of this host by their numbers: what the connection and the queue teach their readers.

use collect::Sink;
use model::{Labels, METRIC_NAME};
use wire::{Encoder, SampleError};

/// All series of one epoch of the sink; numbers are positions.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    epoch: u32,
    series: Vec<Labels>,
}

impl Dictionary {
    /// Takes over what the sink has learnt since the last time.
    pub(crate) fn follow(&mut self, sink: &Sink) {
        if self.epoch != sink.epoch() {
            self.series.clear();
            self.epoch = sink.epoch();
        }
        let known = u32::try_from(self.series.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(sink.series_count()).unwrap_or(u32::MAX);
        self.series
            .extend((known..count).filter_map(|n| sink.series(n).cloned()));
    }

    /// Changes when numbers are given anew.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Defines what an encoder does not know yet.
    pub(crate) fn teach(&self, encoder: &mut Encoder) -> Result<(), SampleError> {
        for labels in self.series.iter().skip(encoder.defined()) {
            let pairs = labels.iter().filter(|label| label.name != METRIC_NAME);
            let pairs = pairs.map(|label| (label.name.as_str(), label.value.as_str()));
            encoder.define(labels.name(), pairs)?;
        }
        Ok(())
    }
}
