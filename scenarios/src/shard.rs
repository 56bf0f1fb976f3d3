//! The shard of an Indexed Job's pod: each item of a run belongs to exactly one of them.

use std::ffi::OsStr;

/// Kubernetes' name of the variable with a pod's index in its Job.
pub const INDEX: &str = "JOB_COMPLETION_INDEX";
/// Our name of the variable with the Job's number of completions, which Kubernetes does not tell.
pub const COUNT: &str = "JOB_COMPLETION_COUNT";

/// One of so many parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Variables that name no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The index without the count.
    #[error(
        "{INDEX} is set and {COUNT} is not; set it to the Job's number of completions, as `scenarios load --print-job` does, or unset both"
    )]
    NoCount,
    /// Something that is no number, or an index outside of the count.
    #[error(
        "{INDEX}=`{index}` and {COUNT}=`{count}` name no shard; the index should be a number from 0 to the count less 1"
    )]
    NoShard {
        /// The index, as it is set.
        index: String,
        /// The count, as it is set.
        count: String,
    },
}

impl Shard {
    /// All of a run.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The shard that the variables of the environment name; all of the run where no index is set.
    ///
    /// # Errors
    /// [`ShardError`].
    pub fn from_environment() -> Result<Self, ShardError> {
        Self::of(std::env::var_os(INDEX).as_deref(), std::env::var_os(COUNT).as_deref())
    }

    /// The shard that the values of the two variables name.
    ///
    /// # Errors
    /// [`ShardError`].
    pub fn of(index: Option<&OsStr>, count: Option<&OsStr>) -> Result<Self, ShardError> {
        let text = |value: &OsStr| value.to_string_lossy().into_owned();
        let (index, count) = match (index.map(text), count.map(text)) {
            (None, _) => return Ok(Self::WHOLE),
            (Some(_), None) => return Err(ShardError::NoCount),
            (Some(index), Some(count)) => (index, count),
        };
        let shard = index.parse().ok().zip(count.parse().ok()).map(|(index, count)| Self { index, count });
        shard.filter(|shard| shard.index < shard.count).ok_or(ShardError::NoShard { index, count })
    }

    /// True for all of a run.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// The number of shards.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The index, from 0 on.
    pub fn index(self) -> u32 {
        self.index
    }

    /// True when the item at this place of the run belongs to the shard.
    pub fn has(self, place: usize) -> bool {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        place % count == usize::try_from(self.index).unwrap_or(usize::MAX)
    }

    /// The items that belong to the shard, in their order.
    pub fn of_items<T>(self, items: Vec<T>) -> Vec<T> {
        items.into_iter().enumerate().filter(|(place, _)| self.has(*place)).map(|(_, item)| item).collect()
    }

    /// The part of a number of equal items, such as pods.
    pub fn of_count(self, all: u32) -> u32 {
        all / self.count + u32::from(self.index < all % self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(index: Option<&str>, count: Option<&str>) -> Result<Shard, ShardError> {
        Shard::of(index.map(OsStr::new), count.map(OsStr::new))
    }

    #[test]
    fn the_variables_of_an_indexed_job_name_a_shard_and_their_absence_the_whole() {
        assert_eq!(of(None, None), Ok(Shard::WHOLE));
        assert_eq!(of(None, Some("4")), Ok(Shard::WHOLE));
        assert_eq!(of(Some("3"), Some("4")), Ok(Shard { index: 3, count: 4 }));
        assert_eq!(of(Some("0"), None), Err(ShardError::NoCount));
        for (index, count) in [("4", "4"), ("-1", "4"), ("x", "4"), ("0", "0"), ("0", ""), ("", "")] {
            let why = of(Some(index), Some(count)).unwrap_err().to_string();
            assert!(why.contains("from 0 to the count less 1"), "{index}/{count}: {why}");
        }
    }

    proptest! {
        #[test]
        fn each_item_is_in_exactly_one_shard_and_none_is_lost(items in 0u32..500, count in 1u32..40) {
            let shards = || (0..count).map(|index| Shard { index, count });
            let mut all: Vec<u32> = shards().flat_map(|shard| shard.of_items((0..items).collect())).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..items).collect::<Vec<_>>());
            prop_assert_eq!(shards().map(|shard| shard.of_count(items)).sum::<u32>(), items);
            for shard in shards() {
                let own = shard.of_items((0..items).collect::<Vec<_>>()).len();
                prop_assert_eq!(u32::try_from(own).unwrap(), shard.of_count(items));
            }
        }
    }
}
