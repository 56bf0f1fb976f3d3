//! The cloud's error codes, each with its HTTP status and text, read from `data/errors.csv`, and their envelope.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A code of the table, as `InvalidParameter.CPU.Memory`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(&'static str);

struct Row {
    status: u16,
    message: String,
}

/// Rows by code; where operations word a code differently, the first of its rows counts.
static TABLE: LazyLock<BTreeMap<String, Row>> = LazyLock::new(|| {
    let mut table = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(include_str!("../data/errors.csv").as_bytes());
    for record in reader.records().flatten() {
        let field = |at| record.get(at).unwrap_or_default();
        let row = Row { status: field(1).parse().unwrap_or(500), message: field(2).to_owned() };
        table.entry(field(0).to_owned()).or_insert(row);
    }
    table
});

macro_rules! codes {
    ($($name:ident = $text:literal;)*) => {
        #[allow(missing_docs, reason = "a code says what it is")]
        impl ErrorCode {
            $(pub const $name: Self = Self($text);)*
            /// The codes that have a name here; each stands in the table, which a test checks.
            pub const NAMED: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    ACCOUNT_ARREARAGE = "Account.Arrearage";
    DRY_RUN_OPERATION = "DryRunOperation";
    FEATURE_CONFLICT = "FeatureBasedConstraintConflict";
    FORBIDDEN_ACCESS_KEY_DISABLED = "Forbidden.AccessKeyDisabled";
    IDEMPOTENT_PARAMETER_MISMATCH = "IdempotentParameterMismatch";
    IMAGE_CACHE_INCORRECT_STATUS = "ImageCache.IncorrectStatus";
    IMAGE_SNAPSHOT_NOT_FOUND = "ImageSnapshot.NotFound";
    INCOMPLETE_SIGNATURE = "IncompleteSignature";
    INCORRECT_OPERATION = "IncorrectOperation";
    INVALID_SPOT_SIZE = "InvalidSpotCpuMemorySpec";
    IP_NOT_ENOUGH = "InvalidVSwitchId.IpNotEnough";
    TYPE_NOT_MATCH_ARCHITECTURE = "InstanceTypeNotMatchCpuArch";
    INCORRECT_STATUS = "IncorrectStatus";
    INCORRECT_STATUS_DETAIL = "IncorrectStatusDetail";
    INTERNAL_ERROR = "InternalError";
    INVALID_ACCESS_KEY_NOT_FOUND = "InvalidAccessKeyId.NotFound";
    INVALID_ACTION_NOT_FOUND = "InvalidAction.NotFound";
    INVALID_CPU_MEMORY = "InvalidParameter.CPU.Memory";
    INVALID_DUPLICATED_NAME = "InvalidParameter.DuplicatedName";
    INVALID_DUPLICATED_VOLUME_NAME = "InvalidParameter.DuplicatedVolumeName";
    INVALID_INSTANCE_NOT_FOUND = "InvalidInstanceId.NotFound";
    INVALID_INSTANCE_TYPE = "InvalidInstanceTypeForEciBuy";
    INVALID_LENGTH_EXCEEDED = "InvalidParameter.LengthExceeded";
    INVALID_NOT_FOUND = "InvalidParameter.NotFound";
    INVALID_PARAMETER = "InvalidParameter";
    INVALID_SPECIFICATION = "InvalidParam.CpuOrMemorySpec";
    INVALID_SPOT_CPU_MEMORY = "InvalidSpotCpuMemorySpec";
    INVALID_TIMESTAMP_EXPIRED = "InvalidTimeStamp.Expired";
    INVALID_TIMESTAMP_FORMAT = "InvalidTimeStamp.Format";
    INVALID_VALUE_EXCEEDED = "InvalidParameter.ValueExceeded";
    INVALID_VERSION = "InvalidVersion";
    INVALID_VOLUME_TYPE = "InvalidVolumeType";
    MISSING_ACCESS_KEY_ID = "MissingAccessKeyId";
    MISSING_PARAMETER = "MissingParameter";
    MISSING_SIGNATURE = "MissingSignature";
    NOT_SIMULATED = "NotSimulated";
    NO_NEED_UPDATE = "NoNeedUpdate";
    NO_STOCK = "OperationDenied.NoStock";
    NUMBER_EXCEED_TAGS = "NumberExceed.Tags";
    OPERATION_CONFLICT = "OperationConflict";
    PRIVATE_IP_IN_USE = "PrivateIpAddress.Already.InUse";
    QUOTA_EXCEEDED = "QuotaExceeded";
    REQUEST_ENTITY_TOO_LARGE = "RequestEntityTooLarge";
    SECURITY_GROUP_MISMATCH = "OperationDenied.SecurityGroupMisMatch";
    SERVICE_UNAVAILABLE = "ServiceUnavailable";
    SIGNATURE_DOES_NOT_MATCH = "SignatureDoesNotMatch";
    SIGNATURE_NONCE_USED = "SignatureNonceUsed";
    SPOT_NOT_MATCHED = "Spot.NotMatched";
    THROTTLING = "Throttling";
    THROTTLING_USER = "Throttling.User";
    UNSUPPORTED_METHOD = "UnsupportedHTTPMethod";
    VIRTUAL_NODE_DELETE_FAILED = "VirtualNode.DELETE.FAILED";
    VSWITCH_ZONE_MISMATCH = "OperationDenied.VswZoneMisMatch";
    ZONE_NOT_ON_SALE = "Zone.NotOnSale";
}

impl ErrorCode {
    /// The code of this text; `None` when the table does not have it.
    pub fn named(text: &str) -> Option<Self> {
        TABLE.get_key_value(text).map(|(name, _)| Self(name))
    }

    /// Every code of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.keys().map(|name| Self(name))
    }

    /// Text of the code, as `InvalidParameter.CPU.Memory`.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// HTTP status of a reply with the code; 500 for a code without a row.
    pub fn status(self) -> u16 {
        TABLE.get(self.0).map_or(500, |row| row.status)
    }

    /// The cloud's text, with `detail` where it fills something in.
    pub fn message(self, detail: &str) -> String {
        let template = TABLE.get(self.0).map_or("%s", |row| row.message.as_str());
        template.replace("%s", detail)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Body of a reply that reports an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ErrorBody {
    /// Id of the call, a UUID in upper case.
    pub request_id: String,
    /// Host name of the endpoint.
    pub host_id: String,
    /// Code, as text, since the cloud may know more codes than the table.
    pub code: String,
    /// Explanation for a person.
    pub message: String,
    /// Address of the page on which the cloud explains the code.
    pub recommend: String,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;

    #[test]
    fn every_named_code_stands_in_the_table() {
        for code in ErrorCode::NAMED {
            assert!(ErrorCode::named(code.as_str()).is_some(), "{code}");
        }
    }

    #[test]
    fn every_code_that_an_operation_is_published_with_stands_in_the_table() {
        for action in crate::validate::actions() {
            for code in crate::validate::published_codes(action) {
                assert!(ErrorCode::named(code).is_some(), "{action}: {code}");
            }
        }
    }

    #[test]
    fn every_row_can_be_read_and_names_its_source() {
        let mut reader = csv::Reader::from_reader(include_str!("../data/errors.csv").as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            assert!(record[1].parse::<u16>().is_ok() && !record[4].is_empty(), "{record:?}");
        }
    }

    #[test]
    fn every_row_has_a_status_of_an_error() {
        assert!(ErrorCode::all().count() > 100);
        for code in ErrorCode::all() {
            assert!((400..600).contains(&code.status()), "{code} {}", code.status());
        }
    }

    #[test]
    fn the_detail_is_filled_into_the_cloud_s_text() {
        assert_eq!(ErrorCode::QUOTA_EXCEEDED.message("vCPU"), "vCPU quota exceeded.");
    }

    #[test]
    fn the_envelope_is_written_in_both_forms_under_the_wire_s_names() {
        let body = ErrorBody { request_id: "R".to_owned(), code: "C".to_owned(), ..ErrorBody::default() };
        let json = serde_json::to_value(&body).unwrap();
        assert_eq!(
            json.to_string(),
            r#"{"RequestId":"R","HostId":"","Code":"C","Message":"","Recommend":""}"#
        );
        let inside = "<Error><RequestId>R</RequestId><HostId/><Code>C</Code><Message/><Recommend/></Error>";
        assert!(crate::xml::render("Error", &json).ends_with(inside));
    }
}
