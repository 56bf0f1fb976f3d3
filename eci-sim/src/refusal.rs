//! Why a request is turned down, and the one map to the cloud's codes.

use eci_api::ErrorCode;
use eci_api::signature::SignatureProblem;
use eci_api::validate::Problem;
use rust_decimal::Decimal;

use crate::catalog::NoFit;
use crate::group::lifecycle::State;

/// Why a request is turned down; the text finishes that sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not known to come from its sender.
    #[error(transparent)]
    NotItsSenders(#[from] SignatureProblem),
    /// The access key id is none of ours.
    #[error("Specified access key is not found.")]
    UnknownAccessKey,
    /// The nonce was used before.
    #[error("Specified signature nonce was used already.")]
    NonceUsed,
    /// There is no such operation.
    #[error("Specified api is not found, please check your url and method: {0}.")]
    UnknownAction(String),
    /// The cloud has it, the simulator does not.
    #[error("{0} is not simulated.")]
    NotSimulated(String),
    /// A parameter is missing, of the wrong type or out of bounds.
    #[error(transparent)]
    Parameter(#[from] Problem),
    /// A parameter does not decode.
    #[error("The specified parameter is not valid: {0}.")]
    Undecodable(String),
    /// A parameter's value cannot be.
    #[error("The specified parameter {name} is not valid: {why}.")]
    Invalid {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// Something that is named does not exist.
    #[error("The specified {kind} {id} does not exist.")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        id: String,
    },
    /// An image cache that is named does not exist.
    #[error("The specified image cache {0} does not exist.")]
    ImageCacheNotFound(String),
    /// The size is larger than what is sold.
    #[error("The specified cpu and memory are not allowed: {0}.")]
    NoSuchSize(#[from] NoFit),
    /// No spot instance has this size.
    #[error(
        "The specified CPU and memory are not allowed. You must create spot ECI using standard ECS specifications for CPU and memory: {0}."
    )]
    NoSpotSize(NoFit),
    /// The market asks for more than is to be paid.
    #[error(
        "The spot price of {what} in {zone} is {price} an hour, above the limit of {limit}; raise SpotPriceLimit or use SpotAsPriceGo. We recommend that you use the create multi-zone function to avoid insufficient inventory."
    )]
    SpotTooDear {
        /// What.
        what: String,
        /// Where.
        zone: String,
        /// What it costs.
        price: Decimal,
        /// What it may cost.
        limit: Decimal,
    },
    /// The type has processors of another kind.
    #[error("{kind} has {has} processors, not {asked}.")]
    OtherArchitecture {
        /// The type.
        kind: String,
        /// What it has.
        has: String,
        /// What was asked.
        asked: String,
    },
    /// The public address is another group's.
    #[error("The EIP {eip} is bound to {group}; unbind it or use another.")]
    EipInUse {
        /// Which address.
        eip: String,
        /// Whose it is.
        group: String,
    },
    /// An ECS type is not sold.
    #[error("Sales of this current instance type is not supported in eci: {0}.")]
    NoSuchType(String),
    /// Two wishes exclude each other.
    #[error("A conflict occurs in specified feature constraints: [{0}].")]
    Conflict(String),
    /// The zone has none left.
    #[error(
        "Sales of this resource are temporarily suspended in the specified zone ({zone}: {what}). We recommend that \
         you use the multi-zone creation function to avoid the risk of insufficient resource."
    )]
    NoStock {
        /// Where.
        zone: String,
        /// What.
        what: String,
    },
    /// The vSwitch has no address left.
    #[error("The specified VSwitch {0} does not have enough IP addresses.")]
    NoAddressLeft(String),
    /// The address is taken.
    #[error("The specific PrivateIpAddress {0} already in use.")]
    AddressInUse(String),
    /// The vSwitch is in another zone.
    #[error("The specified VSwitchId {vswitch} is not in the specified Zone {zone}.")]
    ZoneMismatch {
        /// Which vSwitch.
        vswitch: String,
        /// Which zone.
        zone: String,
    },
    /// Two containers have the same name.
    #[error("The container group include containers with duplicate names: {0}.")]
    DuplicateContainer(String),
    /// Two volumes have the same name.
    #[error("The container group includes volumes with duplicate names: {0}.")]
    DuplicateVolume(String),
    /// Too many tags.
    #[error("The length of tags exceeded limit: 20.")]
    TooManyTags,
    /// More than the account may have.
    #[error("{0} quota exceeded.")]
    QuotaExceeded(String),
    /// The state does not allow it.
    #[error("The container group {id} is {state}; {wanted}.")]
    WrongState {
        /// Which group.
        id: String,
        /// In which state it is.
        state: State,
        /// In which it should be.
        wanted: &'static str,
    },
    /// Something is longer than it may be.
    #[error("The specified parameter {name} is too long: {most} at most.")]
    TooLong {
        /// Which parameter.
        name: &'static str,
        /// How long it may be.
        most: &'static str,
    },
    /// The volume is no disk.
    #[error("The specified volumeName {0} is invalid, only volume of cloud disk support capacity resize.")]
    NotADisk(String),
    /// It is still being made or changed.
    #[error("The {kind} {id} is still being made or changed; wait until it is ready.")]
    NotReady {
        /// What kind of thing.
        kind: &'static str,
        /// Which.
        id: String,
    },
    /// Nothing would change.
    #[error("There are no changes to be updated for current resource.")]
    NothingToUpdate,
    /// The token was used for another request.
    #[error("The client token {0} was used for a request with other parameters.")]
    TokenMismatch(String),
    /// All is well, but nothing was to be done.
    #[error("Request validation has been passed with DryRun flag set.")]
    DryRun,
    /// Too many calls.
    #[error("Request was denied due to user flow control.")]
    Throttled,
    /// The method is none that the operation takes.
    #[error("The HTTP method {0} is not supported; use GET or POST.")]
    Method(String),
    /// The body is too large.
    #[error("The request body is larger than 4 MiB.")]
    TooLarge,
    /// A rule says so.
    #[error("{message}")]
    ByRule {
        /// The code it gives.
        code: String,
        /// The status it gives.
        status: u16,
        /// The text it gives.
        message: String,
    },
}

impl Refusal {
    /// The cloud's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotItsSenders(problem) => signature_code(problem),
            Self::UnknownAccessKey => ErrorCode::INVALID_ACCESS_KEY_NOT_FOUND,
            Self::NonceUsed => ErrorCode::SIGNATURE_NONCE_USED,
            Self::UnknownAction(_) => ErrorCode::INVALID_ACTION_NOT_FOUND,
            Self::NotSimulated(_) => ErrorCode::NOT_SIMULATED,
            Self::Parameter(problem) => problem.code(),
            Self::Undecodable(_) | Self::Invalid { .. } => ErrorCode::INVALID_PARAMETER,
            Self::NotFound { .. } => ErrorCode::INVALID_NOT_FOUND,
            Self::ImageCacheNotFound(_) => ErrorCode::IMAGE_SNAPSHOT_NOT_FOUND,
            Self::NoSuchSize(_) => ErrorCode::INVALID_CPU_MEMORY,
            Self::NoSpotSize(_) => ErrorCode::INVALID_SPOT_SIZE,
            Self::SpotTooDear { .. } => ErrorCode::SPOT_NOT_MATCHED,
            Self::OtherArchitecture { .. } => ErrorCode::TYPE_NOT_MATCH_ARCHITECTURE,
            Self::EipInUse { .. } => ErrorCode::INCORRECT_OPERATION,
            Self::NoSuchType(_) => ErrorCode::INVALID_INSTANCE_TYPE,
            Self::Conflict(_) => ErrorCode::FEATURE_CONFLICT,
            Self::NoStock { .. } => ErrorCode::NO_STOCK,
            Self::NoAddressLeft(_) => ErrorCode::IP_NOT_ENOUGH,
            Self::AddressInUse(_) => ErrorCode::PRIVATE_IP_IN_USE,
            Self::ZoneMismatch { .. } => ErrorCode::VSWITCH_ZONE_MISMATCH,
            Self::DuplicateContainer(_) => ErrorCode::INVALID_DUPLICATED_NAME,
            Self::DuplicateVolume(_) => ErrorCode::INVALID_DUPLICATED_VOLUME_NAME,
            Self::TooManyTags => ErrorCode::NUMBER_EXCEED_TAGS,
            Self::QuotaExceeded(_) => ErrorCode::QUOTA_EXCEEDED,
            Self::WrongState { .. } => ErrorCode::INCORRECT_STATUS,
            Self::TooLong { .. } => ErrorCode::INVALID_VALUE_EXCEEDED,
            Self::NotADisk(_) => ErrorCode::INVALID_VOLUME_TYPE,
            Self::NotReady { kind: "image cache", .. } => ErrorCode::IMAGE_CACHE_INCORRECT_STATUS,
            Self::NotReady { .. } => ErrorCode::INCORRECT_STATUS,
            Self::NothingToUpdate => ErrorCode::NO_NEED_UPDATE,
            Self::TokenMismatch(_) => ErrorCode::IDEMPOTENT_PARAMETER_MISMATCH,
            Self::DryRun => ErrorCode::DRY_RUN_OPERATION,
            Self::Throttled => ErrorCode::THROTTLING_USER,
            Self::Method(_) => ErrorCode::UNSUPPORTED_METHOD,
            Self::TooLarge => ErrorCode::REQUEST_ENTITY_TOO_LARGE,
            Self::ByRule { code, .. } => ErrorCode::named(code).unwrap_or(ErrorCode::INTERNAL_ERROR),
        }
    }

    /// The code as it goes over the wire; a rule may use one that the table does not have.
    pub fn wire_code(&self) -> String {
        match self {
            Self::ByRule { code, .. } => code.clone(),
            other => other.code().as_str().to_owned(),
        }
    }

    /// The HTTP status that goes with it.
    pub fn status(&self) -> u16 {
        match self {
            Self::ByRule { status, .. } => *status,
            other => other.code().status(),
        }
    }

    /// A parameter has to be there.
    pub fn missing(name: impl Into<String>) -> Self {
        Self::Parameter(Problem::Missing(name.into()))
    }

    /// A parameter's value cannot be.
    pub fn invalid(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { name: name.into(), why: why.into() }
    }
}

fn signature_code(problem: &SignatureProblem) -> ErrorCode {
    match problem {
        SignatureProblem::MissingAccessKeyId => ErrorCode::MISSING_ACCESS_KEY_ID,
        SignatureProblem::MissingSignature => ErrorCode::MISSING_SIGNATURE,
        SignatureProblem::Incomplete(_) | SignatureProblem::Method { .. } => ErrorCode::INCOMPLETE_SIGNATURE,
        SignatureProblem::TooLong { .. } | SignatureProblem::TooMany { .. } => ErrorCode::INVALID_PARAMETER,
        SignatureProblem::Version => ErrorCode::INVALID_VERSION,
        SignatureProblem::MissingAction => ErrorCode::MISSING_PARAMETER,
        SignatureProblem::TimestampFormat => ErrorCode::INVALID_TIMESTAMP_FORMAT,
        SignatureProblem::TimestampExpired => ErrorCode::INVALID_TIMESTAMP_EXPIRED,
        SignatureProblem::Mismatch { .. } => ErrorCode::SIGNATURE_DOES_NOT_MATCH,
    }
}
