//! `QueryAccountBill`: what an account has to pay for a month or day, as one sum or by product.

use std::collections::BTreeMap;

use eci_api::Number;
use serde::{Deserialize, Serialize};

use super::request::{Period, number, own_account, size};
use super::{Head, Items, answer, bill, read};
use crate::billing::instance_bill::{BillRow, rows};
use crate::money::{Amount, Currency};
use crate::refusal::Refusal;
use crate::serving::{BoxedReply, Caller, Served};
use crate::world::World;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    product_code: Option<String>,
    is_group_by_product: Option<bool>,
    page_num: Option<i64>,
    page_size: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    #[serde(flatten)]
    head: Head,
    items: Items<Sum>,
    page_num: usize,
    page_size: usize,
}

/// A row: what an account has to pay in a period.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sum {
    adjust_amount: Number,
    #[serde(rename = "BillAccountID")]
    bill_account_id: String,
    bill_account_name: String,
    billing_date: String,
    biz_type: &'static str,
    cash_amount: Number,
    cost_unit: &'static str,
    currency: String,
    deducted_by_cash_coupons: Number,
    deducted_by_coupons: Number,
    deducted_by_prepaid_card: Number,
    invoice_discount: Number,
    outstanding_amount: Number,
    #[serde(rename = "OwnerID")]
    owner_id: String,
    owner_name: String,
    payment_amount: Number,
    pip_code: &'static str,
    pretax_amount: Number,
    pretax_gross_amount: Number,
    product_code: &'static str,
    product_name: &'static str,
    subscription_type: &'static str,
}

/// What rows agree in that are summed up: product, kind of subscription, day and currency.
type Key = (Option<(&'static str, &'static str)>, &'static str, Option<String>, Currency);

/// `QueryAccountBill`.
pub(super) fn query(world: &mut World, caller: &Caller) -> Result<Served<BoxedReply>, Refusal> {
    let request: Request = read(caller)?;
    own_account(caller)?;
    let (page_num, page_size) = (number(request.page_num)?, size("PageSize", request.page_size)?);
    let period = Period::of(caller, world.now())?;
    let bill = bill(world, caller);
    let rows = rows(bill.lines.iter().filter(|line| period.has(line)), period.granularity, true)?;
    let product = request.product_code.filter(|code| !code.is_empty());
    let mut sums: BTreeMap<Key, (Amount, Amount)> = BTreeMap::new();
    for row in rows.iter().filter(|row| product.as_deref().is_none_or(|code| code == row.product().0)) {
        let (gross, pretax) = sums.entry(key(row, request.is_group_by_product == Some(true))).or_default();
        *gross += row.gross;
        *pretax += row.pretax;
    }
    let account = caller.account.to_string();
    let all: Vec<Sum> = sums.into_iter().map(|(key, amounts)| sum(&account, key, amounts)).collect();
    let head = Head::of(caller, period.cycle, all.len());
    let from = (page_num - 1).saturating_mul(page_size);
    let items = Items { item: all.into_iter().skip(from).take(page_size).collect() };
    Ok(answer(caller, Data { head, items, page_num, page_size }))
}

fn key(row: &BillRow, by_product: bool) -> Key {
    (by_product.then(|| row.product()), row.subscription_type(), row.day.clone(), row.line.currency)
}

fn sum(
    account: &str,
    (product, subscription_type, day, currency): Key,
    (gross, pretax): (Amount, Amount),
) -> Sum {
    let number = |amount: Amount| Number::from(amount.decimal());
    let (code, name) = product.unwrap_or_default();
    Sum {
        adjust_amount: Number::default(),
        bill_account_id: account.to_owned(),
        bill_account_name: account.to_owned(),
        billing_date: day.unwrap_or_default(),
        biz_type: "",
        cash_amount: number(pretax),
        cost_unit: "",
        currency: currency.to_string(),
        deducted_by_cash_coupons: Number::default(),
        deducted_by_coupons: Number::default(),
        deducted_by_prepaid_card: Number::default(),
        invoice_discount: number(gross.beyond(pretax)),
        outstanding_amount: Number::default(),
        owner_id: account.to_owned(),
        owner_name: account.to_owned(),
        payment_amount: number(pretax),
        pip_code: code,
        pretax_amount: number(pretax),
        pretax_gross_amount: number(gross),
        product_code: code,
        product_name: name,
        subscription_type,
    }
}
