//! An explanation as text for people, a hundred characters wide at most.

use super::explanation::{Explanation, InRegion, SidecarCost};
use super::sum::{Amount, Line};
use crate::cost::columns::{Align, lines};
use crate::cost::figures::{UNKNOWN, hour, hour_of, month_of, sign, times};

/// The explanation: the sum, what is bought and why, its prices, what is cheaper, and what a sidecar costs.
pub fn explanation(explanation: &Explanation) -> String {
    let Explanation { kind, namespace, name, place, replicas, currency, .. } = explanation;
    let pods = if *replicas == 1 { "1 pod".to_owned() } else { format!("{replicas} pods") };
    let mut text = format!("{kind} {namespace}/{name} · {pods} · {currency} · {place}\n\n");
    push(&mut text, &sum(explanation), &[Align::Left, Align::Right, Align::Right, Align::Left]);
    for annotation in &explanation.sum.annotations {
        let (key, value, decides) = (&annotation.key, &annotation.value, annotation.decides);
        text += &format!("  {key}: {value}\n    decides {decides}\n");
    }
    for region in &explanation.regions {
        text += &in_region(region, explanation);
    }
    text += &sidecar(&explanation.sidecar, explanation);
    text
}

fn push(text: &mut String, rows: &[Vec<String>], align: &[Align]) {
    for line in lines(rows, align) {
        *text += &format!("{line}\n");
    }
}

fn sum(explanation: &Explanation) -> Vec<Vec<String>> {
    let mut rows = vec![row("asked for one pod", "vCPU", "GiB", "")];
    rows.extend(explanation.sum.containers.iter().map(container));
    rows.extend(explanation.sum.pod.iter().map(container));
    rows.push(match explanation.requested {
        Some(requested) => row("in all", &requested.vcpu.to_string(), &requested.gib.to_string(), ""),
        None => row("in all", "-", "-", "nothing is declared"),
    });
    if explanation.extra_storage > 0 {
        let says = format!("storage: {} GiB beyond the free 30", explanation.extra_storage);
        rows.push(row("", "", "", &says));
    }
    rows
}

fn row(name: &str, vcpu: &str, gib: &str, says: &str) -> Vec<String> {
    [name, vcpu, gib, says].map(str::to_owned).into()
}

fn container(line: &Line) -> Vec<String> {
    let amount = |amount: Option<Amount>| amount.map_or_else(|| "-".to_owned(), |own| own.amount.to_string());
    let mut says = Vec::new();
    let from: Vec<_> = [line.vcpu, line.gib].into_iter().flatten().map(|own| own.from).collect();
    match from.as_slice() {
        [] => {}
        [one, other] if one != other => says.push(format!("{one}, {other}")),
        [one, ..] => says.push((*one).to_owned()),
    }
    says.extend(line.storage_gib.map(|gib| format!("{gib} GiB of storage")));
    says.extend(Some(line.counts.says().to_owned()).filter(|says| !says.is_empty()));
    row(
        &format!("  {}", crate::cost::figures::plain(&line.name)),
        &amount(line.vcpu),
        &amount(line.gib),
        &says.join("; "),
    )
}

fn in_region(region: &InRegion, explanation: &Explanation) -> String {
    let sign = sign(explanation.currency);
    let mut text = format!("\nbought in {}: {}\n", region.region, region.what);
    text += &format!("  {}\n", region.why);
    if let Some(waste) = &region.waste
        && (waste.size.vcpu, waste.size.gib) != Default::default()
    {
        let price =
            waste.hour.as_ref().map(|cost| format!(": {sign} {} an hour", hour_of(cost))).unwrap_or_default();
        text +=
            &format!("  {} vCPU, {} GiB of it are not asked for{price}\n", waste.size.vcpu, waste.size.gib);
    }
    let all = times(&times(&region.hour, explanation.replicas), crate::cost::figures::HOURS_A_MONTH);
    text +=
        &format!("  {sign} {} an hour; {sign} {} a month for all\n", hour_of(&region.hour), month_of(&all));
    text.push_str("\nprice of an hour\n");
    let prices: Vec<Vec<String>> = region
        .prices
        .iter()
        .map(|price| {
            let what = price.what.clone().unwrap_or_else(|| "not sold".to_owned());
            let hour = price.hour.as_ref().map(hour_of).unwrap_or_default();
            let remark = match (&price.remark, price.is_bought) {
                (Some(remark), _) => remark.clone(),
                (None, true) => "this is bought".to_owned(),
                (None, false) => String::new(),
            };
            vec![format!("  {}", price.way), what, hour, remark]
        })
        .collect();
    push(&mut text, &prices, &[Align::Left, Align::Left, Align::Right, Align::Left]);
    if !region.cheaper.is_empty() {
        text.push_str("\ncheaper nearby\n");
        let cheaper: Vec<Vec<String>> = region
            .cheaper
            .iter()
            .map(|one| {
                let requested = format!("  ask for {} vCPU, {} GiB", one.requested.vcpu, one.requested.gib);
                vec![requested, one.what.clone(), hour_of(&one.hour), less(one.saved_percent)]
            })
            .collect();
        push(&mut text, &cheaper, &[Align::Left, Align::Left, Align::Right, Align::Right]);
    }
    text
}

fn less(percent: rust_decimal::Decimal) -> String {
    if percent.is_zero() { "hardly less".to_owned() } else { format!("{percent} % less") }
}

fn sidecar(cost: &SidecarCost, explanation: &Explanation) -> String {
    let sign = sign(explanation.currency);
    let more = |more: Option<rust_decimal::Decimal>| match more {
        Some(more) if more.is_zero() => "nothing".to_owned(),
        Some(more) if more.is_sign_negative() => format!("{sign} {} an hour less", hour(-more)),
        Some(more) => format!("{sign} {} an hour more", hour(more)),
        None => UNKNOWN.to_owned(),
    };
    let mut text = format!("\na sidecar of {} put into it costs\n", cost.requested);
    match &cost.what {
        Some(what) => text += &format!("  counted: {} ({what})\n", more(cost.more)),
        None => text += "  counted: it cannot be had\n",
    }
    if let Some(remark) = &cost.remark {
        text += &format!("    {remark}\n");
    }
    text += &format!("  ignored, by __ECI_RESOURCE_IGNORE__=TRUE: {}\n", more(cost.more_when_ignored));
    text
}
