//! Questions of the local cloud: one call, from the bytes of the request to those of the answer.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use eci_api::actions::DescribeContainerGroups;
use http::Request;

use crate::cloud::Cloud;
use crate::question::Ask;

/// Number of groups in the cloud.
const GROUPS: usize = 1_000;

/// A describe of one group of a thousand, signed with ACS3: read, verified, answered, written. Signing is not part of it.
///
/// # Errors
/// When the cloud cannot be filled.
pub fn signed_describe(most: usize) -> Result<Ask> {
    signed(most, Cloud::describe)
}

/// The same, signed in the older way.
///
/// # Errors
/// When the cloud cannot be filled.
pub fn describe_by_rpc(most: usize) -> Result<Ask> {
    signed(most, Cloud::describe_by_rpc)
}

fn signed(most: usize, sign: fn(&mut Cloud, &str) -> Result<Request<Bytes>>) -> Result<Ask> {
    let mut cloud = Cloud::with_groups(GROUPS)?;
    let id = cloud.ids[GROUPS / 2].clone();
    let mut signed: Vec<_> = (0..most).map(|_| sign(&mut cloud, &id)).collect::<Result<_>>()?;
    Ok(Box::new(move || {
        let response = cloud.sim.call(signed.pop().context("all signed requests are sent")?);
        ensure!(response.status() == 200, "{}", String::from_utf8_lossy(response.body()));
        Ok(())
    }))
}

/// One group of a thousand by its id, decoded and in process.
///
/// # Errors
/// When the cloud cannot be filled.
pub fn by_id() -> Result<Ask> {
    let cloud = Cloud::with_groups(GROUPS)?;
    let ids = Some(format!("[\"{}\"]", cloud.ids[GROUPS / 2]));
    let by_id = DescribeContainerGroups { container_group_ids: ids, ..DescribeContainerGroups::default() };
    Ok(Box::new(move || {
        let found = cloud.sim.act(&by_id)?.container_groups.len();
        ensure!(found == 1, "{found} groups of one id");
        Ok(())
    }))
}

/// The first page of a thousand groups, twenty of them.
///
/// # Errors
/// When the cloud cannot be filled.
pub fn page() -> Result<Ask> {
    let cloud = Cloud::with_groups(GROUPS)?;
    Ok(Box::new(move || {
        let page = cloud.sim.act(&DescribeContainerGroups::default())?;
        ensure!(page.container_groups.len() == 20, "a page of {} groups", page.container_groups.len());
        Ok(())
    }))
}
