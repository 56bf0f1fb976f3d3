//! Refusals of a creation that concern its spec or its vSwitches alone, so that another may be had.

use crate::eci::{EciError, Meaning};

/// Meaning of a refusal for the attempt that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecRefusal {
    /// There is none just now.
    OutOfStock,
    /// There is none, and will be none: the type is not sold, or not with what else the pod asks for.
    NotSold,
    /// One of the vSwitches, or its zone, cannot have it.
    VSwitch,
}

/// Codes that concern a vSwitch or its zone (`errors.csv`); the first by its beginning, since which ids do not exist has no
/// published code.
const VSWITCH: [&str; 6] = [
    "InvalidVSwitchId",
    "Zone.NotOnSale",
    "OperationDenied.VswZoneMisMatch",
    "OperationDenied.SecurityGroupMisMatch",
    "DiskVolume.NotInSameZone",
    "Ipv6AddressNotSupportVsw",
];

/// Codes that concern a type or size (`errors.csv`), by their beginnings, beside those whose meaning says so.
const NOT_SOLD: [&str; 9] = [
    "InvalidInstanceType",
    "InstanceTypeNotMatchCpuArch",
    "FeatureBasedConstraintConflict",
    "HighCpuMemConfigRequired",
    "JobInstance",
    "LocalDiskAmountNotMatch",
    "Ipv6AddressNotSupportInstanceType",
    "InvalidOperation.KMS.InstanceTypeNotSupport",
    "PrivatePoolInstanceSpotNotSupport",
];

/// The code of a parameter that cannot be used, as of a type with fewer GPUs than are asked for; which one it is stands
/// in the words alone, so that all specs are tried.
const PARAMETER: &str = "InvalidParameter";

impl SpecRefusal {
    /// The refusal's meaning for the spec; `None` where it concerns any other as well.
    pub fn of(error: &EciError) -> Option<Self> {
        let (code, meaning) = (error.code()?, error.meaning()?);
        if VSWITCH.iter().any(|start| code.starts_with(start)) {
            return Some(Self::VSwitch);
        }
        match meaning {
            // an EIP, which is the same for each spec
            Meaning::Quota if code.starts_with("Eip") => None,
            Meaning::NoStock | Meaning::Quota => Some(Self::OutOfStock),
            Meaning::Size => Some(Self::NotSold),
            _ if code == PARAMETER || NOT_SOLD.iter().any(|start| code.starts_with(start)) => {
                Some(Self::NotSold)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_whether_another_spec_or_vswitch_may_be_had() {
        for (code, status, expected) in [
            ("OperationDenied.NoStock", 403, Some(SpecRefusal::OutOfStock)),
            ("Spot.NotMatched", 403, Some(SpecRefusal::OutOfStock)),
            ("QuotaExceeded", 403, Some(SpecRefusal::OutOfStock)),
            ("RecommendEmpty.InstanceTypeFamilyNotMatched", 400, Some(SpecRefusal::OutOfStock)),
            ("InvalidParameter.CPU.Memory", 400, Some(SpecRefusal::NotSold)),
            ("InvalidSpotCpuMemorySpec", 400, Some(SpecRefusal::NotSold)),
            ("InvalidInstanceTypeForEciBuy", 400, Some(SpecRefusal::NotSold)),
            ("InvalidParameter", 400, Some(SpecRefusal::NotSold)),
            ("FeatureBasedConstraintConflict", 400, Some(SpecRefusal::NotSold)),
            ("InvalidVSwitchId.IpNotEnough", 403, Some(SpecRefusal::VSwitch)),
            ("Zone.NotOnSale", 403, Some(SpecRefusal::VSwitch)),
            ("EipAddressPoolIpNotEnough", 403, None),
            ("InvalidParameter.DuplicatedName", 400, None),
            ("Throttling", 400, None),
            ("InternalError", 500, None),
            ("IdempotentParameterMismatch", 400, None),
            ("Forbidden.RAM", 403, None),
        ] {
            let error = EciError::refused("CreateContainerGroup", code, status);
            assert_eq!(SpecRefusal::of(&error), expected, "{code}");
        }
    }
}
