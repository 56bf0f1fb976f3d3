//! Parser of fault rules in flags and files.

use std::str::FromStr;

use super::names::RuleError;
use super::{FaultVerdict, Rule};

/// The grammar of a rule, for error messages.
const FORM: &str = "`ACTION VERB …` such as `CreateContainerGroup refuse Throttling.User times=2`";
const VERBS: &str = "refuse CODE, delay 500ms, drop-before, drop-after, truncate BYTES, stale 5s, sold-out ZONE, \
                     reclaim MINUTES or crash CONTAINER EXIT-CODE";
const OPTIONS: &str = "times=N, every=N, share=0.1 or share=10%, status=N (with refuse), or one parameter of the call such as RegionId=cn-beijing";

/// Text that is not a fault rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A rule without operation or verb.
    #[error("`{0}` should be {FORM}")]
    TooFew(String),
    /// An unknown verb.
    #[error("`{0}` is nothing that becomes of a call; that would be {VERBS}")]
    Verb(String),
    /// A missing or wrong argument of the verb.
    #[error("`{verb}` should be followed by {should}, not by `{found}`")]
    Argument {
        /// Verb of the rule.
        verb: String,
        /// Expected argument.
        should: &'static str,
        /// Text in its place; empty where there is none.
        found: String,
    },
    /// An unknown option, or a value that it cannot have.
    #[error("`{0}` should be {OPTIONS}")]
    Option(String),
    /// A rule that could never apply, or that names what does not exist.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// A file that does not list fault rules.
#[derive(Debug, thiserror::Error)]
pub enum RuleListError {
    /// Content that is no list of rules as YAML or JSON.
    #[error(transparent)]
    Syntax(#[from] serde_saphyr::Error),
    /// A rule that can never apply.
    #[error("rule {number}: {why}")]
    Rule {
        /// Number of the rule, from 1.
        number: usize,
        /// Error in the rule.
        why: RuleError,
    },
}

/// Parses a file of rules: a list, as YAML or JSON, in the form that the control API takes.
///
/// # Errors
/// [`RuleListError`] with the place of the error.
pub fn rule_list(text: &str) -> Result<Vec<Rule>, RuleListError> {
    let rules: Vec<Rule> = serde_saphyr::from_str(text)?;
    for (number, rule) in (1..).zip(&rules) {
        rule.check().map_err(|why| RuleListError::Rule { number, why })?;
    }
    Ok(rules)
}

impl FromStr for Rule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut words = text.split_whitespace();
        let (Some(action), Some(verb)) = (words.next(), words.next()) else {
            return Err(ParseError::TooFew(text.to_owned()));
        };
        let mut rule = Rule::new(verdict(verb, &mut words)?).on(action);
        words.try_for_each(|word| rule.set_option(word))?;
        rule.check()?;
        Ok(rule)
    }
}

impl Rule {
    /// Sets one `name=value` option.
    fn set_option(&mut self, word: &str) -> Result<(), ParseError> {
        let wrong = || ParseError::Option(word.to_owned());
        let (name, value) = word.split_once('=').ok_or_else(wrong)?;
        let number = || value.parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(wrong);
        match (name, &mut self.verdict) {
            ("times", _) => self.times = Some(number()?),
            ("every", _) => self.every = Some(number()?),
            ("share", _) => self.share = Some(value.parse().map_err(|_| wrong())?),
            ("status", FaultVerdict::Refuse { status, .. }) => {
                let found = value.parse().ok().filter(|status| (400..600).contains(status));
                *status = Some(found.ok_or_else(wrong)?);
            }
            _ if name.starts_with(char::is_uppercase) && self.parameter.is_none() => {
                self.parameter = Some((name.to_owned(), value.to_owned()));
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

fn verdict<'a>(verb: &str, words: &mut impl Iterator<Item = &'a str>) -> Result<FaultVerdict, ParseError> {
    let mut next = |should: &'static str| match words.next() {
        Some(word) if !word.contains('=') => Ok(word),
        other => Err(ParseError::Argument {
            verb: verb.to_owned(),
            should,
            found: other.unwrap_or_default().to_owned(),
        }),
    };
    Ok(match verb {
        "refuse" => FaultVerdict::Refuse {
            code: next("a code such as Throttling.User")?.to_owned(),
            status: None,
            message: None,
        },
        "delay" => FaultVerdict::DelayMs(argument(verb, SPAN, next(SPAN)?, millis)?),
        "stale" => FaultVerdict::StaleMs(argument(verb, SPAN, next(SPAN)?, millis)?),
        "drop-before" => FaultVerdict::DropBefore,
        "drop-after" => FaultVerdict::DropAfter,
        "truncate" => FaultVerdict::Truncate(argument(verb, BYTES, next(BYTES)?, number)?),
        "sold-out" => FaultVerdict::SoldOut(
            next("a zone such as cn-hangzhou-b, or cn-hangzhou-b/2.0-4.0Gi")?.to_owned(),
        ),
        "reclaim" => FaultVerdict::Reclaim(argument(verb, MINUTES, next(MINUTES)?, number)?),
        "crash" => FaultVerdict::Crash {
            container: next("a container's name and an exit code")?.to_owned(),
            exit_code: argument(verb, EXIT, next(EXIT)?, number)?,
        },
        _ => return Err(ParseError::Verb(verb.to_owned())),
    })
}

const SPAN: &str = "a span such as 500ms or 5s";
const BYTES: &str = "a number of bytes";
const MINUTES: &str = "minutes, 255 at most";
const EXIT: &str = "a container's name and an exit code";

/// The value of a verb's argument, as `read` parses it.
fn argument<T>(
    verb: &str,
    should: &'static str,
    word: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, ParseError> {
    read(word).ok_or_else(|| ParseError::Argument { verb: verb.to_owned(), should, found: word.to_owned() })
}

fn number<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

/// `500ms` or `5s`, in milliseconds.
fn millis(word: &str) -> Option<u64> {
    match word.strip_suffix("ms") {
        Some(millis) => millis.parse().ok(),
        None => word.strip_suffix('s')?.parse::<u64>().ok()?.checked_mul(1000),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_form_tells_the_rule_that_it_reads_like() {
        let refused = |code: &str, status| FaultVerdict::Refuse { code: code.into(), status, message: None };
        let crash = FaultVerdict::Crash { container: "web".into(), exit_code: 137 };
        let one = ("RegionId".to_owned(), "cn-beijing".to_owned());
        let table = [
            (
                "CreateContainerGroup refuse Throttling.User times=2",
                refused("Throttling.User", None),
                Some(2),
                None,
                None,
            ),
            (
                "Create* refuse InternalError status=503 every=3",
                refused("InternalError", Some(503)),
                None,
                Some(3),
                None,
            ),
            ("* delay 500ms", FaultVerdict::DelayMs(500), None, None, None),
            ("Describe* stale 5s RegionId=cn-beijing", FaultVerdict::StaleMs(5000), None, None, Some(one)),
            ("* drop-before times=1", FaultVerdict::DropBefore, Some(1), None, None),
            ("* drop-after", FaultVerdict::DropAfter, None, None, None),
            ("* truncate 20", FaultVerdict::Truncate(20), None, None, None),
            (
                "* sold-out cn-hangzhou-b/2.0-4.0Gi",
                FaultVerdict::SoldOut("cn-hangzhou-b/2.0-4.0Gi".into()),
                None,
                None,
                None,
            ),
            ("* reclaim 5", FaultVerdict::Reclaim(5), None, None, None),
            ("* crash web 137 times=1", crash, Some(1), None, None),
        ];
        for (text, verdict, times, every, parameter) in table {
            let action = text.split(' ').next().unwrap_or_default().to_owned();
            assert_eq!(
                text.parse(),
                Ok(Rule { action, parameter, times, every, share: None, verdict }),
                "{text}"
            );
        }
    }

    #[test]
    fn a_share_is_told_as_a_part_or_as_a_percentage() {
        let wanted = Rule::refuse("Throttling").on("Create*").times(2).share("0.1".parse().unwrap());
        for share in ["share=0.1", "share=10%"] {
            assert_eq!(format!("Create* refuse Throttling {share} times=2").parse(), Ok(wanted.clone()));
        }
        let yaml = "- action: Create*\n  times: 2\n  share: 10%\n  verdict: {refuse: {code: Throttling}}\n";
        assert_eq!(rule_list(yaml).unwrap(), std::slice::from_ref(&wanted));
        assert_eq!(rule_list(&yaml.replace("10%", "0.1")).unwrap(), [wanted]);
        let more = rule_list(&yaml.replace("10%", "110%")).unwrap_err().to_string();
        assert!(more.contains("`110%` should be above 0"), "{more}");
    }

    #[test]
    fn what_tells_no_rule_says_what_would() {
        let table = [
            ("", "should be `ACTION VERB"),
            ("CreateContainerGroup", "should be `ACTION VERB"),
            ("CreateContainerGruop refuse Throttling", "did you mean `CreateContainerGroup`?"),
            ("* refuse Throtling", "did you mean `Throttling`?"),
            ("* sold-out cn-hangzou-b", "did you mean `cn-hangzhou-b`?"),
            ("* explode", "`explode` is nothing that becomes of a call"),
            (
                "* refuse times=2",
                "`refuse` should be followed by a code such as Throttling.User, not by `times=2`",
            ),
            ("* delay soon", "`delay` should be followed by a span such as 500ms or 5s, not by `soon`"),
            ("* reclaim 300", "minutes, 255 at most"),
            ("* crash web", "`crash` should be followed by a container's name and an exit code, not by ``"),
            ("* drop-after times=0", "`times=0` should be times=N"),
            ("* drop-after share=1.5", "`share=1.5` should be times=N"),
            ("* drop-after status=500", "`status=500` should be"),
            ("* refuse Throttling status=200", "`status=200` should be"),
            ("* drop-after soon", "`soon` should be"),
        ];
        for (text, says) in table {
            let why = text.parse::<Rule>().map_err(|why| why.to_string());
            assert!(why.as_ref().is_err_and(|why| why.contains(says)), "{text}: {why:?}");
        }
    }

    #[test]
    fn a_file_lists_rules_as_the_control_api_takes_them() {
        let yaml = "- action: CreateContainerGroup\n  times: 2\n  verdict: {refuse: {code: Throttling.User}}\n- verdict: drop-after\n";
        let json = r#"[{"action":"CreateContainerGroup","times":2,"verdict":{"refuse":{"code":"Throttling.User"}}},{"verdict":"drop-after"}]"#;
        let rules = vec![
            Rule::refuse("Throttling.User").on("CreateContainerGroup").times(2),
            Rule::new(FaultVerdict::DropAfter),
        ];
        assert_eq!(rule_list(yaml).unwrap(), rules);
        assert_eq!(rule_list(json).unwrap(), rules);
    }

    #[test]
    fn a_file_that_lists_none_says_where() {
        for (yaml, words) in [
            ("- action: '*'\n  verdikt: drop-after\n", ["verdikt", "2"]),
            (
                "- action: CreateContainerGruop\n  verdict: drop-after\n",
                ["rule 1", "did you mean `CreateContainerGroup`?"],
            ),
            ("- verdict: drop-after\n- every: 0\n  verdict: drop-after\n", ["rule 2", "`every=0`"]),
        ] {
            let why = rule_list(yaml).unwrap_err().to_string();
            assert!(words.iter().all(|word| why.contains(word)), "{why}");
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(text in ".{0,80}") {
            let _parsed = text.parse::<Rule>();
            let _list = rule_list(&text);
        }
    }
}
