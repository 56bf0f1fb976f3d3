//! Refusals of requests, and their map to the cloud's codes.

use eci_api::ErrorCode;
use eci_api::signature::SignatureProblem;
use eci_api::validate::ParameterError;
use rust_decimal::Decimal;

use crate::catalog::NoMatchingSize;
use crate::lifecycle::State;
use crate::prices::NoPrice;

/// A request that is refused; the text is the answer's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A signature that does not prove the sender.
    #[error(transparent)]
    Signature(#[from] SignatureProblem),
    /// An access key id that is not known.
    #[error("Specified access key is not found.")]
    UnknownAccessKey,
    /// A nonce that was used before.
    #[error("Specified signature nonce was used already.")]
    NonceUsed,
    /// An operation that does not exist.
    #[error("Specified api is not found, please check your url and method: {0}.")]
    UnknownAction(String),
    /// An operation that the cloud has and the simulator does not.
    #[error("{0} is not simulated.")]
    NotSimulated(String),
    /// A parameter that is missing, of the wrong type or out of bounds.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A parameter that does not decode.
    #[error("The specified parameter is not valid: {0}.")]
    Undecodable(String),
    /// A value that the parameter cannot have.
    #[error("The specified parameter {name} is not valid: {why}.")]
    Invalid {
        /// Name of the parameter.
        name: String,
        /// Error in the value.
        why: String,
    },
    /// An object that does not exist.
    #[error("The specified {kind} {id} does not exist.")]
    NotFound {
        /// Kind of the object.
        kind: &'static str,
        /// Id or name that was given.
        id: String,
    },
    /// An image cache that does not exist.
    #[error("The specified image cache {0} does not exist.")]
    ImageCacheNotFound(String),
    /// A size larger than any that is sold.
    #[error("The specified cpu and memory are not allowed: {0}.")]
    NoSuchSize(#[from] NoMatchingSize),
    /// A size that no spot instance has.
    #[error(
        "The specified CPU and memory are not allowed. You must create spot ECI using standard ECS specifications for CPU and memory: {0}."
    )]
    NoSpotSize(NoMatchingSize),
    /// A specification that cannot be priced.
    #[error("The specified specification is invalid: {0}")]
    NoSuchSpec(Box<Self>),
    /// A price that no list has; the cloud knows all of its own, so this is the simulator's answer.
    #[error("{0}.")]
    NoPrice(#[from] NoPrice),
    /// A spot price above the limit.
    #[error(
        "The spot price of {what} in {zone} is {price} an hour, above the limit of {limit}; raise SpotPriceLimit or use SpotAsPriceGo. We recommend that you use the create multi-zone function to avoid insufficient inventory."
    )]
    SpotTooDear {
        /// Instance spec.
        what: String,
        /// Zone id.
        zone: String,
        /// Price of an hour.
        price: Decimal,
        /// Limit of the price of an hour.
        limit: Decimal,
    },
    /// An ECS type of another processor architecture.
    #[error("{kind} has {has} processors, not {requested}.")]
    OtherArchitecture {
        /// ECS type.
        kind: String,
        /// Architecture of the type.
        has: String,
        /// Requested architecture.
        requested: String,
    },
    /// A public address that another group has.
    #[error("The EIP {eip} is bound to {group}; unbind it or use another.")]
    EipInUse {
        /// Id of the public address.
        eip: String,
        /// Id of the group that has it.
        group: String,
    },
    /// An ECS type that is not sold.
    #[error("Sales of this current instance type is not supported in eci: {0}.")]
    NoSuchType(String),
    /// Parameters that exclude each other.
    #[error("A conflict occurs in specified feature constraints: [{0}].")]
    Conflict(String),
    /// A zone without stock.
    #[error(
        "Sales of this resource are temporarily suspended in the specified zone ({zone}: {what}). We recommend that \
         you use the multi-zone creation function to avoid the risk of insufficient resource."
    )]
    NoStock {
        /// Zone id.
        zone: String,
        /// Instance spec.
        what: String,
    },
    /// A vSwitch without free addresses.
    #[error("The specified VSwitch {0} does not have enough IP addresses.")]
    NoAddressLeft(String),
    /// An address that is in use.
    #[error("The specific PrivateIpAddress {0} already in use.")]
    AddressInUse(String),
    /// A vSwitch in another zone.
    #[error("The specified VSwitchId {vswitch} is not in the specified Zone {zone}.")]
    ZoneMismatch {
        /// vSwitch id.
        vswitch: String,
        /// Zone that was asked for.
        zone: String,
    },
    /// Two containers of one name.
    #[error("The container group include containers with duplicate names: {0}.")]
    DuplicateContainer(String),
    /// Two volumes of one name.
    #[error("The container group includes volumes with duplicate names: {0}.")]
    DuplicateVolume(String),
    /// More than 20 tags.
    #[error("The length of tags exceeded limit: 20.")]
    TooManyTags,
    /// A limit of the account.
    #[error("{0} quota exceeded.")]
    QuotaExceeded(String),
    /// A state that does not allow the call.
    #[error("The container group {id} is {state}; {wanted}.")]
    WrongState {
        /// Id of the group.
        id: String,
        /// State of the group.
        state: State,
        /// Condition of the call, as half a sentence.
        wanted: &'static str,
    },
    /// A parameter that is too long.
    #[error("The specified parameter {name} is too long: {most} at most.")]
    TooLong {
        /// Name of the parameter.
        name: &'static str,
        /// Bound of its length.
        most: &'static str,
    },
    /// A volume that is no disk.
    #[error("The specified volumeName {0} is invalid, only volume of cloud disk support capacity resize.")]
    NotADisk(String),
    /// An asset that is still being made or changed.
    #[error("The {kind} {id} is still being made or changed; wait until it is ready.")]
    NotReady {
        /// Kind of the asset.
        kind: &'static str,
        /// Id of the asset.
        id: String,
    },
    /// An update without a change.
    #[error("There are no changes to be updated for current resource.")]
    NothingToUpdate,
    /// A client token that was used for another request.
    #[error("The client token {0} was used for a request with other parameters.")]
    TokenMismatch(String),
    /// A dry run that passed validation.
    #[error("Request validation has been passed with DryRun flag set.")]
    DryRun,
    /// Too many calls in a minute.
    #[error("Request was denied due to user flow control.")]
    Throttled,
    /// An HTTP method other than GET and POST.
    #[error("The HTTP method {0} is not supported; use GET or POST.")]
    Method(String),
    /// A body of more than 4 MiB.
    #[error("The request body is larger than 4 MiB.")]
    TooLarge,
    /// A fault rule's verdict.
    #[error("{message}")]
    ByRule {
        /// Code of the answer.
        code: String,
        /// Status of the answer.
        status: u16,
        /// Message of the answer.
        message: String,
    },
}

impl Refusal {
    /// The refusal of a fault rule: status and text come from the table where the rule does not say them.
    pub fn by_rule(code: &str, status: Option<u16>, message: Option<String>) -> Self {
        let known = ErrorCode::named(code);
        let status = status.or(known.map(ErrorCode::status)).unwrap_or(400);
        let text =
            || known.map_or_else(|| code.to_owned(), |known| known.message("by a rule of the simulator"));
        Self::ByRule { code: code.to_owned(), status, message: message.unwrap_or_else(text) }
    }

    /// The cloud's code for the refusal.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Signature(problem) => signature_code(problem),
            Self::UnknownAccessKey => ErrorCode::INVALID_ACCESS_KEY_NOT_FOUND,
            Self::NonceUsed => ErrorCode::SIGNATURE_NONCE_USED,
            Self::UnknownAction(_) => ErrorCode::INVALID_ACTION_NOT_FOUND,
            Self::NotSimulated(_) | Self::NoPrice(_) => ErrorCode::NOT_SIMULATED,
            Self::Parameter(problem) => problem.code(),
            Self::Undecodable(_) | Self::Invalid { .. } => ErrorCode::INVALID_PARAMETER,
            Self::NotFound { .. } => ErrorCode::INVALID_NOT_FOUND,
            Self::ImageCacheNotFound(_) => ErrorCode::IMAGE_SNAPSHOT_NOT_FOUND,
            Self::NoSuchSize(_) => ErrorCode::INVALID_CPU_MEMORY,
            Self::NoSpotSize(_) => ErrorCode::INVALID_SPOT_SIZE,
            Self::NoSuchSpec(_) => ErrorCode::INVALID_SPECIFICATION,
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

    /// The code in the answer; a fault rule may use one that the table does not have.
    pub fn wire_code(&self) -> String {
        match self {
            Self::ByRule { code, .. } => code.clone(),
            other => other.code().as_str().to_owned(),
        }
    }

    /// The HTTP status of the refusal.
    pub fn status(&self) -> u16 {
        match self {
            Self::ByRule { status, .. } => *status,
            other => other.code().status(),
        }
    }

    /// The refusal of a call without this parameter.
    pub fn missing(name: impl Into<String>) -> Self {
        Self::Parameter(ParameterError::Missing(name.into()))
    }

    /// The same refusal as operations word it that price a specification and make nothing: they have one code for what
    /// cannot be bought.
    #[must_use]
    pub fn of_pricing(self) -> Self {
        let names_spec = |name: &str| name == "InstanceType" || name == "Cpu" || name == "Memory";
        match self {
            Self::NoSuchSize(_) | Self::NoSuchType(_) | Self::OtherArchitecture { .. } => {
                Self::NoSuchSpec(Box::new(self))
            }
            Self::Invalid { ref name, .. } if names_spec(name) => Self::NoSuchSpec(Box::new(self)),
            other => other,
        }
    }

    /// The refusal of a parameter's value.
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
