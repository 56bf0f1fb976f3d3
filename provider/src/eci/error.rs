//! Why a call to the cloud brought nothing, told apart by what may be concluded from it.

/// What came of a call instead of a reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EciError {
    /// The cloud answered, and said no.
    #[error("{message} ({code}, {action}, request {request_id})")]
    Refused {
        /// The operation.
        action: &'static str,
        /// The cloud's code, as `OperationDenied.NoStock`.
        code: String,
        /// The HTTP status.
        status: u16,
        /// What the cloud says to a person.
        message: String,
        /// The number under which the cloud's support finds the call.
        request_id: String,
    },
    /// No answer: whether anything happened is unknown.
    #[error("ECI cannot be reached at {why} ({action})")]
    Unreachable {
        /// The operation.
        action: &'static str,
        /// How it failed.
        why: String,
    },
    /// An answer that cannot be read, or a request that cannot be written.
    #[error("ECI's answer cannot be read: {why} ({action})")]
    Garbled {
        /// The operation.
        action: &'static str,
        /// Where it is wrong.
        why: String,
    },
}

/// What a refusal means for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The thing that was named does not exist.
    NotFound,
    /// Too many calls; the same will be accepted later.
    Throttled,
    /// A fault of the service; whether anything happened is unknown.
    Fault,
    /// The key is wrong, or may not do this.
    NoAccess,
    /// There is nothing left to buy just now.
    NoStock,
    /// The account's own limit is reached.
    Quota,
    /// No instance of this size is sold.
    Size,
    /// The token was used for another request.
    TokenUsed,
    /// The request conflicts with one that is under way.
    Busy,
    /// The request itself is wrong.
    Request,
}

impl EciError {
    pub(super) fn unreachable(action: &'static str, why: String) -> Self {
        Self::Unreachable { action, why }
    }

    /// The cloud's code, when it answered.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// What the refusal means; `None` when there was no readable answer.
    pub fn meaning(&self) -> Option<Meaning> {
        let Self::Refused { code, status, .. } = self else { return None };
        Some(meaning(code, *status))
    }

    /// Whether the cloud positively said that the thing does not exist.
    pub fn is_not_found(&self) -> bool {
        self.meaning() == Some(Meaning::NotFound)
    }

    /// Whether the answer, though no success, shows a cloud that is there and speaks to this account.
    pub fn shows_presence(&self) -> bool {
        !matches!(self.meaning(), None | Some(Meaning::Fault | Meaning::NoAccess))
    }
}

fn meaning(code: &str, status: u16) -> Meaning {
    match code {
        "InvalidParameter.NotFound" | "InvalidInstanceId.NotFound" | "InvalidContainerGroupId.NotFound" => {
            Meaning::NotFound
        }
        "InvalidParameter.CPU.Memory" | "InvalidParam.CpuOrMemorySpec" | "InvalidSpotCpuMemorySpec" => {
            Meaning::Size
        }
        "OperationDenied.NoStock" | "Spot.NotMatched" | "RecommendEmpty.InstanceTypeFamilyNotMatched" => {
            Meaning::NoStock
        }
        "IdempotentParameterMismatch" => Meaning::TokenUsed,
        "OperationConflict" | "IncorrectStatus" => Meaning::Busy,
        "InternalError" | "ServiceUnavailable" | "Degrade.Api" => Meaning::Fault,
        "IncompleteSignature" | "SignatureDoesNotMatch" | "NoPermission" | "Account.Arrearage" => {
            Meaning::NoAccess
        }
        _ if code.starts_with("Throttling") => Meaning::Throttled,
        _ if code.contains("Quota") || code == "InvalidVSwitchId.IpNotEnough" => Meaning::Quota,
        _ if ["InvalidAccessKeyId", "Forbidden", "InvalidSecurityToken", "MissingAccessKeyId"]
            .iter()
            .any(|start| code.starts_with(start)) =>
        {
            Meaning::NoAccess
        }
        _ if status >= 500 => Meaning::Fault,
        _ => Meaning::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_may_be_concluded() {
        for (code, status, expected) in [
            ("InvalidParameter.NotFound", 404, Meaning::NotFound),
            ("InvalidAccessKeyId.NotFound", 404, Meaning::NoAccess),
            ("Throttling.User", 400, Meaning::Throttled),
            ("Throttling.Vcpu.PerDay", 403, Meaning::Throttled),
            ("OperationDenied.NoStock", 403, Meaning::NoStock),
            ("QuotaExceeded", 403, Meaning::Quota),
            ("InvalidParameter.CPU.Memory", 400, Meaning::Size),
            ("ServiceUnavailable", 503, Meaning::Fault),
            ("SomethingNew", 502, Meaning::Fault),
            ("MissingParameter", 400, Meaning::Request),
        ] {
            assert_eq!(meaning(code, status), expected, "{code}");
        }
    }

    #[test]
    fn a_wrong_key_is_never_taken_for_a_group_that_is_gone() {
        let error = EciError::Refused {
            action: "DeleteContainerGroup",
            code: "InvalidAccessKeyId.NotFound".into(),
            status: 404,
            message: String::new(),
            request_id: String::new(),
        };
        assert!(!error.is_not_found());
    }
}
