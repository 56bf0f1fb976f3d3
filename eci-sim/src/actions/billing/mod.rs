//! The operations of the billing API that read a bill (bss-openapi.md, section 2), with a table of their own: their version
//! is another than that of ECI.

mod account_bill;
mod instance_bill;
mod request;

use eci_api::Number;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::billing::instance_bill::{BillRow, COLUMNS, Value};
use crate::refusal::Refusal;
use crate::serving::{BoxedReply, Caller, Served};
use crate::world::World;

/// Operations of the billing API that are carried out.
const TABLE: &[Operation] = &[
    Operation { name: "DescribeInstanceBill", read_only: true, run: instance_bill::describe },
    Operation { name: "QueryAccountBill", read_only: true, run: account_bill::query },
    Operation { name: "QueryInstanceBill", read_only: true, run: instance_bill::query },
];

/// The operation of this name.
///
/// # Errors
/// [`Refusal`] for one that is not simulated.
pub(super) fn named(name: &str) -> Result<&'static Operation, Refusal> {
    TABLE
        .iter()
        .find(|operation| operation.name == name)
        .ok_or_else(|| Refusal::NotSimulated(name.to_owned()))
}

/// The envelope of every reply.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<T> {
    code: &'static str,
    message: &'static str,
    success: bool,
    request_id: String,
    data: T,
}

/// What every reply says of the account and the month.
#[derive(Serialize, Clone)]
struct Head {
    #[serde(rename = "AccountID")]
    account_id: String,
    #[serde(rename = "AccountName")]
    account_name: String,
    #[serde(rename = "BillingCycle")]
    billing_cycle: String,
    #[serde(rename = "TotalCount")]
    total_count: usize,
}

impl Head {
    fn of(caller: &Caller, billing_cycle: String, total_count: usize) -> Self {
        let account = caller.account.to_string();
        Self { account_id: account.clone(), account_name: account, billing_cycle, total_count }
    }
}

/// Rows under `Item`, as the older operations have them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Items<T> {
    item: Vec<T>,
}

/// Answers with rows that were read.
fn answer<T: Serialize + Send + 'static>(caller: &Caller, data: T) -> Served<BoxedReply> {
    let reply = Envelope {
        code: "Success",
        message: "Successful!",
        success: true,
        request_id: caller.request_id.clone(),
        data,
    };
    Served { reply: Box::new(reply), deferred: None }
}

/// Reads an operation's parameters.
fn read<T: for<'de> Deserialize<'de>>(caller: &Caller) -> Result<T, Refusal> {
    eci_api::query::from_pairs(&caller.pairs).map_err(|error| Refusal::Undecodable(error.to_string()))
}

/// A row of the instance bill in a reply.
struct Row {
    row: BillRow,
    /// True in a reply of `DescribeInstanceBill`, which has more columns.
    describe: bool,
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = || COLUMNS.iter().filter(|column| self.describe || !column.describe_only);
        let mut map = serializer.serialize_map(Some(columns().count()))?;
        for column in columns() {
            match (column.value)(&self.row) {
                Value::Text(text) => map.serialize_entry(column.name, &text)?,
                Value::Number(number) => map.serialize_entry(column.name, &Number::from(number))?,
            }
        }
        map.end()
    }
}

/// The bill of the caller's account up to now.
fn bill(world: &World, caller: &Caller) -> crate::billing::Bill {
    world.bill_of_accounts(world.now(), |name| *name == *caller.account)
}
