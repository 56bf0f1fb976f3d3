//! The cloud's error codes, sorted by what a client may conclude from each.

/// The conclusion that a refusal allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// The resource that was named does not exist.
    NotFound,
    /// Too many calls; the same call is accepted later.
    Throttled,
    /// The account's allowance of the day is used up.
    DailyLimit,
    /// A fault of the service; whether anything happened is unknown.
    Fault,
    /// The nonce was seen before: a copy of this call may have been carried out, or may still be.
    Replayed,
    /// The time stamp is outside the cloud's tolerance: this machine's clock or the cloud's is wrong.
    ClockSkew,
    /// The access key is wrong, unknown or disabled: no call of this client is served.
    NoAccess,
    /// The access key is good, but may not do this.
    Forbidden,
    /// The account must be put in order first: balance, verification, activation, allow-list.
    Account,
    /// The endpoint is not that of ECI OpenAPI 2018-08-08.
    WrongEndpoint,
    /// No instance of this kind is in stock, or the zone does not sell any.
    NoStock,
    /// A limit of the account or of the vSwitch is reached.
    Quota,
    /// No instance of this vCPU and memory is sold.
    Size,
    /// The client token was used for a request with other parameters.
    TokenUsed,
    /// The resource is in another state or another call on it is under way.
    Busy,
    /// The request itself is wrong, and will be wrong again.
    Request,
    /// A 4xx code that is not in the table.
    Unknown,
}

/// Each published code with its meaning; the codes themselves are those of `eci-api`'s `errors.csv`.
const TABLE: &[(Meaning, &[&str])] = &[
    (
        Meaning::NotFound,
        &["InvalidParameter.NotFound", "InvalidInstanceId.NotFound", "InvalidContainerGroupId.NotFound"],
    ),
    (
        Meaning::Throttled,
        &[
            "Throttling",
            "Throttling.Api",
            "Throttling.User",
            "Degrade.Api",
            "EipPurchaseFlowControl",
            "Coredump.RefrshIntervalTooShort",
            "Ops.IntervalTooShort",
        ],
    ),
    (Meaning::DailyLimit, &["Throttling.Vcpu.PerDay"]),
    (
        Meaning::Fault,
        &[
            "InternalError",
            "ServiceUnavailable",
            "Request Timeout",
            "CorePattern.UpdateFail",
            "Ops.ExecuteTaskFail",
        ],
    ),
    (Meaning::Replayed, &["SignatureNonceUsed"]),
    (Meaning::ClockSkew, &["InvalidTimeStamp.Expired", "InvalidTimeStamp.Format"]),
    (
        Meaning::NoAccess,
        &[
            "MissingAccessKeyId",
            "MissingSignature",
            "InvalidAccessKeyId.NotFound",
            "InvalidAccessKeyId.Inactive",
            "Forbidden.AccessKeyDisabled",
            "InvalidSecurityToken.Expired",
            "InvalidSecurityToken.Malformed",
            "InvalidSecurityToken.MismatchWithAccessKey",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
        ],
    ),
    (
        Meaning::Forbidden,
        &[
            "NoPermission",
            "NoPermission.Tag",
            "Forbidden.RAM",
            "Forbidden.NotSupportRAM",
            "Forbidden.SubUser",
            "Forbidden.Unauthorized",
            "InvalidUser.PassRoleForbidden",
            "InvalidParameter.KMS.KeyId.Forbidden",
            "CreateServiceLinkedRole.Denied",
        ],
    ),
    (
        Meaning::Account,
        &[
            "Account.Arrearage",
            "EipPayInsufficientBalance",
            "InvalidPaymentMethod.InsufficientBalance",
            "Payfor.CreditPayInsufficientBalance",
            "Forbidden.UserBussinessStatus",
            "Forbidden.AccountClosed",
            "Forbidden.RiskControl",
            "OperationFailed.RiskControl",
            "SecurityRisk.3DVerification",
            "Forbidden.UserNotRealNameAuthentication",
            "Forbidden.OnlyForInvitedTest",
            "ServiceNotEnabled",
            "FeatureAccessRestricted",
            "HighCpuMemConfigRequired",
            "ImageCacheNotSupport",
        ],
    ),
    (
        Meaning::WrongEndpoint,
        &["InvalidAction.NotFound", "InvalidApi.NotFound", "InvalidVersion", "UnsupportedHTTPMethod"],
    ),
    (
        Meaning::NoStock,
        &[
            "OperationDenied.NoStock",
            "Spot.NotMatched",
            "RecommendEmpty.InstanceTypeFamilyNotMatched",
            "Zone.NotOnSale",
        ],
    ),
    (
        Meaning::Quota,
        &[
            "QuotaExceeded",
            "DedicatedHostQuotaExceeded",
            "InvalidVSwitchId.IpNotEnough",
            "EipAddressPoolIpNotEnough",
        ],
    ),
    (
        Meaning::Size,
        &["InvalidParameter.CPU.Memory", "InvalidParam.CpuOrMemorySpec", "InvalidSpotCpuMemorySpec"],
    ),
    (Meaning::TokenUsed, &["IdempotentParameterMismatch"]),
    (
        Meaning::Busy,
        &[
            "OperationConflict",
            "IncorrectStatus",
            "IncorrectStatusDetail",
            "IncorrectOperation",
            "ImageCache.IncorrectStatus",
            "ImageSnapshot.IncorrectStatus",
            "PrivateIpAddress.Already.InUse",
            "VirtualNode.DELETE.FAILED",
        ],
    ),
    (
        Meaning::Request,
        &[
            "Coredump.InvalidCorePatternType",
            "Coredump.RegionNotSupport",
            "DiskNumber.LimitExceed",
            "DiskVolume.NotInSameZone",
            "DiskVolume.NotSupport",
            "DryRun.Success",
            "DryRunOperation",
            "FeatureBasedConstraintConflict",
            "ImageSnapshot.NotFound",
            "ImageSnapshot.NotSupport",
            "InstanceTypeNotMatchCpuArch",
            "InvalidAction",
            "InvalidCorePatternValue",
            "InvalidDiskId.NotFound",
            "InvalidInstanceTypeForEciBuy",
            "InvalidInstanceTypeForEciSpotDurationBuy",
            "InvalidOperation.KMS.InstanceTypeNotSupport",
            "InvalidOperation.ResourceManagedByCloudProduct",
            "InvalidParameter",
            "InvalidParameter.DuplicatedName",
            "InvalidParameter.DuplicatedVolumeName",
            "InvalidParameter.Encrypted.KmsNotEnabled",
            "InvalidParameter.KMS.EncryptedIllegal",
            "InvalidParameter.KMS.KeyId.NotFound",
            "InvalidParameter.LengthExceeded",
            "InvalidParameter.ValueExceeded",
            "InvalidVolumeType",
            "Ipv6AddressNotSupport",
            "Ipv6AddressNotSupportInstanceType",
            "Ipv6AddressNotSupportVsw",
            "JobInstanceBatchCreateNotSupport",
            "JobInstanceDiskNotSupport",
            "JobInstanceEcsInstanceTypeNotSupport",
            "JobInstanceEipNotSupport",
            "JobInstanceFeatureNotMatch",
            "JobInstanceIPv6NotSupport",
            "JobInstanceImageCacheNotSupport",
            "JobInstanceRamRoleNotSupport",
            "JobInstanceRegionNotSupport",
            "JobInstanceSpotNotSupport",
            "LocalDiskAmountNotMatch",
            "MissingParameter",
            "NoNeedUpdate",
            "NotSimulated",
            "NumberExceed.Tags",
            "OperationDenied.SecurityGroupMisMatch",
            "OperationDenied.VswZoneMisMatch",
            "Ops.InstanceNotSupport",
            "Ops.OpsValueInvalid",
            "Ops.RegionNotSupport",
            "Ops.TypeNotSupport",
            "PrivatePoolInstanceSpotNotSupport",
            "RamRole.NotSupport",
            "RequestEntityTooLarge",
            "Tcpdump.InvalidValue",
            "TradeBidCommodityNotMatch",
            "VnodeDedicatedHostIdAlreadyExist",
        ],
    ),
];

/// Families of codes that the platform extends without notice, by prefix.
const FAMILIES: &[(Meaning, &str)] = &[
    (Meaning::Throttled, "Throttling."),
    (Meaning::ClockSkew, "InvalidTimeStamp"),
    (Meaning::NoAccess, "InvalidAccessKeyId"),
    (Meaning::NoAccess, "InvalidSecurityToken"),
    (Meaning::Forbidden, "Forbidden"),
    (Meaning::Forbidden, "NoPermission"),
    (Meaning::NoStock, "OperationDenied.NoStock"),
    (Meaning::Quota, "QuotaExceeded"),
];

impl Meaning {
    /// The meaning of `code`, answered with the HTTP status `status`.
    ///
    /// A code outside the table is judged by its family, then by its status: 5xx is a [`Meaning::Fault`], all else
    /// [`Meaning::Unknown`].
    pub fn of(code: &str, status: u16) -> Self {
        let listed = TABLE.iter().find(|(_, codes)| codes.contains(&code)).map(|(meaning, _)| *meaning);
        let family =
            || FAMILIES.iter().find(|(_, start)| code.starts_with(start)).map(|(meaning, _)| *meaning);
        let by_status = || match status {
            429 => Self::Throttled,
            500.. => Self::Fault,
            _ => Self::Unknown,
        };
        let meaning = listed.or_else(family).unwrap_or_else(by_status);
        #[cfg(feature = "planted-faults")]
        let meaning = crate::planted::meanings::misread(meaning);
        meaning
    }

    /// Returns true when it is unknown if the call was carried out.
    pub fn leaves_open(self) -> bool {
        matches!(self, Self::Fault | Self::Replayed)
    }

    /// Returns true when the call was turned down unread, so that the refusal says nothing about an earlier try of
    /// the same.
    pub fn precedes_the_request(self) -> bool {
        self.bars_all_calls() || matches!(self, Self::Throttled | Self::DailyLimit | Self::Busy)
    }

    /// Returns true when the refusal concerns all calls of this account or key rather than this one request.
    pub fn bars_all_calls(self) -> bool {
        matches!(
            self,
            Self::NoAccess | Self::Forbidden | Self::Account | Self::ClockSkew | Self::WrongEndpoint
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use eci_api::ErrorCode;

    use super::*;

    #[test]
    fn every_published_code_has_a_row() {
        let rows: BTreeSet<&str> = TABLE.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let missing: Vec<_> =
            ErrorCode::all().map(ErrorCode::as_str).filter(|code| !rows.contains(code)).collect();
        assert!(missing.is_empty(), "codes without a row: {missing:?}");
    }

    #[test]
    fn no_code_has_two_rows() {
        let mut rows = BTreeSet::new();
        for code in TABLE.iter().flat_map(|(_, codes)| codes.iter()) {
            assert!(rows.insert(code), "{code} stands twice");
        }
    }

    #[test]
    fn a_code_says_what_may_be_concluded() {
        for (code, status, expected) in [
            ("InvalidParameter.NotFound", 404, Meaning::NotFound),
            ("InvalidAccessKeyId.NotFound", 404, Meaning::NoAccess),
            ("Throttling.User", 400, Meaning::Throttled),
            ("Throttling.Vcpu.PerDay", 403, Meaning::DailyLimit),
            ("Throttling.Burst", 400, Meaning::Throttled),
            ("OperationDenied.NoStock", 403, Meaning::NoStock),
            ("QuotaExceeded", 403, Meaning::Quota),
            ("QuotaExceeded.Eip", 403, Meaning::Quota),
            ("InvalidParameter.CPU.Memory", 400, Meaning::Size),
            ("InvalidTimeStamp.Future", 400, Meaning::ClockSkew),
            ("NotSimulated", 501, Meaning::Request),
            ("Forbidden.Region", 403, Meaning::Forbidden),
            ("ServiceUnavailable", 503, Meaning::Fault),
            ("SomethingNew", 502, Meaning::Fault),
            ("SomethingNew", 429, Meaning::Throttled),
            ("SomethingNew", 400, Meaning::Unknown),
            ("MissingParameter", 400, Meaning::Request),
        ] {
            assert_eq!(Meaning::of(code, status), expected, "{code}");
        }
    }
}
