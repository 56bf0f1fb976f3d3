//! The columns of a trace: our own plain words, and those of public cluster traces, each with its unit.
//!
//! | trace | columns | source |
//! |---|---|---|
//! | our own | arrival, duration (s), cpu (vCPU), memory (GiB) | ours |
//! | Alibaba `cluster-trace-gpu-v2023`, `openb_pod_list_*.csv` | creation_time, deletion_time (s), cpu_milli, memory_mib | its README |
//! | Alibaba `cluster-trace-v2018`, `batch_task.csv`, with a header | start_time, end_time (s), plan_cpu (100 a core), plan_mem (% of a machine), instance_num | its schema.md |
//! | Google 2019, instances with their times joined | start_time, end_time (µs), resource_request.cpus and .memory (shares of a machine) | its format's proto |
//! | Azure VM traces V1 and V2, `vmtable`, with a header | Timestamp VM created, Timestamp VM deleted (s), VM virtual core count bucket, VM memory (GBs) bucket | AzurePublicDatasetV2.md |

use rust_decimal::Decimal;

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Name of the pod.
    Name,
    /// Time at which it comes.
    Arrival,
    /// Time for which it runs.
    Duration,
    /// Time at which it goes.
    End,
    /// vCPU that it asks for.
    Cpu,
    /// Memory that it asks for.
    Memory,
    /// Number of equal pods that the row stands for.
    Count,
}

/// The unit of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// No unit.
    None,
    /// The unit of time that the command says; seconds where it says none.
    Time,
    /// So many of it are a vCPU or GiB.
    Per(u32),
    /// So many of it are a whole machine.
    OfMachine(u32),
}

/// A column that is known: its header without case, spaces and punctuation, its field and unit.
struct Column(&'static str, Field, Unit);

const COLUMNS: [Column; 44] = [
    Column("name", Field::Name, Unit::None),
    Column("id", Field::Name, Unit::None),
    Column("vmid", Field::Name, Unit::None),
    Column("encryptedvmid", Field::Name, Unit::None),
    Column("taskname", Field::Name, Unit::None),
    Column("arrival", Field::Arrival, Unit::Time),
    Column("arrivaltime", Field::Arrival, Unit::Time),
    Column("creationtime", Field::Arrival, Unit::Time),
    Column("starttime", Field::Arrival, Unit::Time),
    Column("start", Field::Arrival, Unit::Time),
    Column("submittime", Field::Arrival, Unit::Time),
    Column("vmcreated", Field::Arrival, Unit::Time),
    Column("timestampvmcreated", Field::Arrival, Unit::Time),
    Column("duration", Field::Duration, Unit::Time),
    Column("runtime", Field::Duration, Unit::Time),
    Column("lifetime", Field::Duration, Unit::Time),
    Column("end", Field::End, Unit::Time),
    Column("endtime", Field::End, Unit::Time),
    Column("deletiontime", Field::End, Unit::Time),
    Column("vmdeleted", Field::End, Unit::Time),
    Column("timestampvmdeleted", Field::End, Unit::Time),
    Column("cpu", Field::Cpu, Unit::Per(1)),
    Column("vcpu", Field::Cpu, Unit::Per(1)),
    Column("cores", Field::Cpu, Unit::Per(1)),
    Column("cpumilli", Field::Cpu, Unit::Per(1000)),
    Column("plancpu", Field::Cpu, Unit::Per(100)),
    Column("cpurequest", Field::Cpu, Unit::Per(100)),
    Column("vmcorecount", Field::Cpu, Unit::Per(1)),
    Column("vmcorecountbucket", Field::Cpu, Unit::Per(1)),
    Column("vmvirtualcorecount", Field::Cpu, Unit::Per(1)),
    Column("vmvirtualcorecountbucket", Field::Cpu, Unit::Per(1)),
    Column("resourcerequestcpus", Field::Cpu, Unit::OfMachine(1)),
    Column("memory", Field::Memory, Unit::Per(1)),
    Column("memorygib", Field::Memory, Unit::Per(1)),
    Column("memorymib", Field::Memory, Unit::Per(1024)),
    Column("planmem", Field::Memory, Unit::OfMachine(100)),
    Column("memsize", Field::Memory, Unit::OfMachine(100)),
    Column("vmmemory", Field::Memory, Unit::Per(1)),
    Column("vmmemorybucket", Field::Memory, Unit::Per(1)),
    Column("vmmemorygbs", Field::Memory, Unit::Per(1)),
    Column("vmmemorygbsbucket", Field::Memory, Unit::Per(1)),
    Column("resourcerequestmemory", Field::Memory, Unit::OfMachine(1)),
    Column("instancenum", Field::Count, Unit::None),
    Column("count", Field::Count, Unit::None),
];

/// The field and unit of a header; `None` for a column that is not known, and passed over.
pub fn known(header: &str) -> Option<(Field, Unit)> {
    let plain: String = header.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    COLUMNS.iter().find(|Column(name, ..)| *name == plain).map(|Column(_, field, unit)| (*field, *unit))
}

/// The size of the machines of which a trace tells shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// vCPU.
    pub vcpu: Decimal,
    /// Memory in GiB.
    pub gib: Decimal,
}

/// A text that is no machine's size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no size of a machine; it should be vCPU and GiB, each more than 0, such as `96,512`")]
pub struct MachineError(String);

impl std::str::FromStr for Machine {
    type Err = MachineError;

    fn from_str(text: &str) -> Result<Self, MachineError> {
        let number = |text: &str| text.trim().parse().ok().filter(|number: &Decimal| *number > Decimal::ZERO);
        let sizes = text.split_once(',').and_then(|(vcpu, gib)| number(vcpu).zip(number(gib)));
        sizes.map(|(vcpu, gib)| Self { vcpu, gib }).ok_or_else(|| MachineError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_public_traces_are_known_by_their_headers() {
        for (header, field, unit) in [
            ("arrival", Field::Arrival, Unit::Time),
            ("Creation_Time", Field::Arrival, Unit::Time),
            ("cpu_milli", Field::Cpu, Unit::Per(1000)),
            ("plan_cpu", Field::Cpu, Unit::Per(100)),
            ("memory_mib", Field::Memory, Unit::Per(1024)),
            ("plan_mem", Field::Memory, Unit::OfMachine(100)),
            ("resource_request.cpus", Field::Cpu, Unit::OfMachine(1)),
            ("VM memory (GBs) bucket", Field::Memory, Unit::Per(1)),
            ("Timestamp VM deleted", Field::End, Unit::Time),
        ] {
            assert_eq!(known(header), Some((field, unit)), "{header}");
        }
        assert_eq!(known("gpu_spec"), None);
    }
}
