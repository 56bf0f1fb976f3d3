//! `QueryInstanceBill` and `DescribeInstanceBill`: what each instance cost in a month or day, by page or from a token on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::request::{Period, number, own_account, size};
use super::{Head, Items, Row, answer, bill, read};
use crate::billing::cached_rows::CachedRows;
use crate::billing::instance_bill::{BillRow, rows};
use crate::money::Amount;
use crate::refusal::Refusal;
use crate::serving::{BoxedReply, Caller, Served};
use crate::world::World;

/// Parameters of both operations.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    product_code: Option<String>,
    product_type: Option<String>,
    pip_code: Option<String>,
    subscription_type: Option<String>,
    is_billing_item: Option<bool>,
    is_hide_zero_charge: Option<bool>,
    #[serde(rename = "InstanceID")]
    instance_id: Option<String>,
    page_num: Option<i64>,
    page_size: Option<i64>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Queried {
    #[serde(flatten)]
    head: Head,
    items: Items<Row>,
    page_num: usize,
    page_size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(flatten)]
    head: Head,
    items: Vec<Row>,
    max_results: usize,
    next_token: String,
}

/// `QueryInstanceBill`.
pub(super) fn query(world: &mut World, caller: &Caller) -> Result<Served<BoxedReply>, Refusal> {
    let request: Request = read(caller)?;
    let (page_num, page_size) = (number(request.page_num)?, size("PageSize", request.page_size)?);
    let (head, rows) = found(&request, world, caller, page_num == 1)?;
    let from = (page_num - 1).saturating_mul(page_size);
    let item = page(world, &rows, (from, page_size), false);
    Ok(answer(caller, Queried { head, items: Items { item }, page_num, page_size }))
}

/// `DescribeInstanceBill`.
pub(super) fn describe(world: &mut World, caller: &Caller) -> Result<Served<BoxedReply>, Refusal> {
    let request: Request = read(caller)?;
    let max_results = size("MaxResults", request.max_results)?;
    let is_first = request.next_token.as_deref().unwrap_or_default().is_empty();
    let (head, rows) = found(&request, world, caller, is_first)?;
    let from = match request.next_token.as_deref().unwrap_or_default() {
        "" => 0,
        token => {
            let known = token.parse().ok().filter(|from| *from < rows.len());
            known.ok_or_else(|| Refusal::invalid("NextToken", format!("no reply gave `{token}`")))?
        }
    };
    let next = from + max_results;
    let next_token = if next < rows.len() { next.to_string() } else { String::new() };
    let items = page(world, &rows, (from, max_results), true);
    Ok(answer(caller, Described { head, items, max_results, next_token }))
}

/// A page of rows: so many from one on. After the last page, rows are kept no more.
fn page(world: &mut World, rows: &[BillRow], (from, size): (usize, usize), describe: bool) -> Vec<Row> {
    if from.saturating_add(size) >= rows.len() {
        world.cached_rows = None;
    }
    rows.iter().skip(from).take(size).map(|row| Row { row: row.clone(), describe }).collect()
}

/// The rows that a call asks for, and what the reply says of all of them; later pages show those of the first one.
fn found(
    request: &Request,
    world: &mut World,
    caller: &Caller,
    is_first: bool,
) -> Result<(Head, Arc<Vec<BillRow>>), Refusal> {
    own_account(caller)?;
    let period = Period::of(caller, world.now())?;
    let of_all =
        Request { page_num: None, page_size: None, max_results: None, next_token: None, ..request.clone() };
    let query = format!("{} {} {of_all:?}", caller.account, period.says());
    let state = (world.now(), world.ledger.entries().len());
    let kept = world.cached_rows.take().filter(|kept| kept.serves(&query, is_first, state));
    let kept = match kept {
        Some(kept) => kept,
        None => CachedRows::new(query, state, computed(request, world, caller, &period)?),
    };
    let rows = kept.rows();
    world.cached_rows = Some(kept);
    Ok((Head::of(caller, period.cycle, rows.len()), rows))
}

/// The rows as they are now.
fn computed(
    request: &Request,
    world: &World,
    caller: &Caller,
    period: &Period,
) -> Result<Vec<BillRow>, Refusal> {
    let bill = bill(world, caller);
    // Instances that are fully covered produce no bill (billing.md, section 7).
    let lines = bill.lines.iter().filter(|line| period.has(line) && !line.is_fully_covered());
    let mut rows = rows(lines, period.granularity, request.is_billing_item == Some(true))?;
    let is = |wanted: &Option<String>, own: &str| {
        wanted.as_deref().is_none_or(|text| text.is_empty() || text == own)
    };
    rows.retain(|row| {
        is(&request.product_code, row.product().0)
            && is(&request.pip_code, row.product().0)
            && is(&request.product_type, "")
            && is(&request.subscription_type, row.subscription_type())
            && is(&request.instance_id, &row.line.group_id)
            && !(request.is_hide_zero_charge == Some(true) && row.gross.max(row.pretax) == Amount::ZERO)
    });
    Ok(rows)
}
