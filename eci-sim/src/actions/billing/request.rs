//! The parameters that the operations of the billing API share: the month, the granularity, the page.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use crate::billing::BillLine;
use crate::billing::instance_bill::Granularity;
use crate::refusal::Refusal;
use crate::serving::Caller;

/// Months whose bills are kept, and rows of a page: as many as there are by default, and at most.
const CYCLES: i64 = 18;
const PAGE: i64 = 20;
const PAGE_MAX: i64 = 300;

/// The time that a call asks for: a month of UTC+08:00, or a day of it.
pub(super) struct Period {
    pub cycle: String,
    pub granularity: Granularity,
    month: Date,
    day: Option<Date>,
}

impl Period {
    /// Reads `BillingCycle`, `Granularity` and `BillingDate`; a day of another month gives way to the month.
    ///
    /// # Errors
    /// [`Refusal`] with the parameter that cannot be.
    pub fn of(caller: &Caller, now: Timestamp) -> Result<Self, Refusal> {
        let (granularity, day) = (caller.parameter("Granularity"), caller.parameter("BillingDate"));
        let cycle = caller.parameter("BillingCycle").ok_or_else(|| Refusal::missing("BillingCycle"))?;
        let wrong = |name: &str, text: &str, form: &str| {
            Refusal::invalid(name, format!("`{text}` should be of the form {form}"))
        };
        let month: Date =
            format!("{cycle}-01").parse().map_err(|_| wrong("BillingCycle", cycle, "YYYY-MM"))?;
        let oldest = local(now).first_of_month().saturating_sub((CYCLES - 1).months());
        if month < oldest {
            let why = format!(
                "`{cycle}` should be one of the last {CYCLES} months, from {} on",
                oldest.strftime("%Y-%m")
            );
            return Err(Refusal::invalid("BillingCycle", why));
        }
        let granularity = match granularity.unwrap_or_default() {
            "" | "MONTHLY" => Granularity::Month,
            "DAILY" => Granularity::Day,
            other => return Err(wrong("Granularity", other, "MONTHLY or DAILY")),
        };
        let day = match (granularity, day) {
            (Granularity::Day, None) => return Err(Refusal::missing("BillingDate")),
            (Granularity::Day, Some(text)) => {
                Some(text.parse::<Date>().map_err(|_| wrong("BillingDate", text, "YYYY-MM-DD"))?)
            }
            _ => None,
        };
        let day = day.filter(|day| day.first_of_month() == month);
        Ok(Self { cycle: cycle.to_owned(), granularity, month, day })
    }

    /// The period as one text, unlike that of any other.
    pub fn says(&self) -> String {
        format!("{} {:?} {:?}", self.month, self.granularity, self.day)
    }

    /// True for a line that begins in the period.
    pub fn has(&self, line: &BillLine) -> bool {
        let date = local(line.from);
        date.first_of_month() == self.month && self.day.is_none_or(|day| day == date)
    }
}

fn local(at: Timestamp) -> Date {
    Offset::constant(8).to_datetime(at).date()
}

/// Checks a number of rows.
///
/// # Errors
/// [`Refusal`] for one that is not 1 to 300.
pub(super) fn size(name: &str, size: Option<i64>) -> Result<usize, Refusal> {
    at_least_one(name, size.unwrap_or(PAGE), Some(PAGE_MAX))
}

/// Checks the number of a page.
///
/// # Errors
/// [`Refusal`] for one below 1.
pub(super) fn number(number: Option<i64>) -> Result<usize, Refusal> {
    at_least_one("PageNum", number.unwrap_or(1), None)
}

fn at_least_one(name: &str, number: i64, most: Option<i64>) -> Result<usize, Refusal> {
    let fits = number >= 1 && most.is_none_or(|most| number <= most);
    let bound = most.map_or_else(String::new, |most| format!(" and {most} at most"));
    let wrong = || Refusal::invalid(name, format!("`{number}` should be 1 or more{bound}"));
    usize::try_from(number).ok().filter(|_| fits).ok_or_else(wrong)
}

/// Fails for the bill of another account: one account does not pay for others here.
///
/// # Errors
/// [`Refusal::NotSimulated`], which names the parameter.
pub(super) fn own_account(caller: &Caller) -> Result<(), Refusal> {
    for name in ["BillOwnerId", "OwnerId", "OwnerID"] {
        if caller.parameter(name).is_some_and(|owner| owner != &*caller.account) {
            return Err(Refusal::NotSimulated(format!("{name} of another account")));
        }
    }
    Ok(())
}
