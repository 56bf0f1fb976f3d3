//! One container group as a purchase: vCPU, GPUs and ¥ an hour, as far as they are known beforehand.

use eci_api::Number;
use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::group::ContainerGroup;
use rust_decimal::Decimal;

use super::Policy;

/// vCPU of a group that declares none.
const USUAL_VCPU: Decimal = Decimal::TWO;
/// GiB of a group that declares none.
const USUAL_GIB: Decimal = Decimal::from_parts(4, 0, 0, false, 0);

/// The purchase of a group, or of several together; `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// Groups.
    pub instances: u32,
    /// vCPU.
    pub vcpu: Option<Decimal>,
    /// GPUs.
    pub gpu: Option<u32>,
    /// ¥ an hour; `None`, too, where the policy has no prices.
    pub yuan_per_hour: Option<Decimal>,
    /// The instance types, where they are asked for.
    types: String,
}

impl Default for Purchase {
    fn default() -> Self {
        let nothing = Some(Decimal::ZERO);
        Self { instances: 0, vcpu: nothing, gpu: Some(0), yuan_per_hour: nothing, types: String::new() }
    }
}

impl Purchase {
    /// Adds another; what is not known of it adds nothing.
    pub(super) fn add(&mut self, other: &Self) {
        self.instances = self.instances.saturating_add(other.instances);
        let sum = |one: Option<Decimal>, other: Option<Decimal>| {
            one.unwrap_or_default().checked_add(other.unwrap_or_default()).or(Some(Decimal::MAX))
        };
        self.vcpu = sum(self.vcpu, other.vcpu);
        self.yuan_per_hour = sum(self.yuan_per_hour, other.yuan_per_hour);
        self.gpu = Some(self.gpu.unwrap_or_default().saturating_add(other.gpu.unwrap_or_default()));
    }

    /// Takes back another that was added; false where a sum had reached its end, so that what is left is not known.
    pub(super) fn take_back(&mut self, other: &Self) -> bool {
        let is_known = self.instances < u32::MAX
            && self.gpu.is_none_or(|gpu| gpu < u32::MAX)
            && [self.vcpu, self.yuan_per_hour].into_iter().flatten().all(|sum| sum < Decimal::MAX);
        self.instances = self.instances.saturating_sub(other.instances);
        let rest = |one: Option<Decimal>, other: Option<Decimal>| {
            one.unwrap_or_default().checked_sub(other.unwrap_or_default())
        };
        self.vcpu = rest(self.vcpu, other.vcpu);
        self.yuan_per_hour = rest(self.yuan_per_hour, other.yuan_per_hour);
        self.gpu = Some(self.gpu.unwrap_or_default().saturating_sub(other.gpu.unwrap_or_default()));
        is_known
    }

    /// The thing that is bought, for a sentence.
    pub(super) fn described(&self) -> String {
        if self.types.is_empty() { "this pod".to_owned() } else { format!("instance type `{}`", self.types) }
    }
}

impl Policy {
    /// The purchase that `request` is, at most: of several instance types each number is the largest.
    pub fn purchase(&self, request: &CreateContainerGroup) -> Purchase {
        let gpus = request.container.iter().filter_map(|container| container.gpu);
        let gpus = gpus.chain(request.init_container.iter().filter_map(|container| container.gpu));
        let declared: u32 = gpus.filter_map(|gpu| u32::try_from(gpu).ok()).sum();
        self.measured(
            request.instance_type.as_deref().unwrap_or_default(),
            request.cpu,
            request.memory,
            declared,
        )
    }

    /// The purchase that a group which exists is.
    pub fn purchase_of_group(&self, group: &ContainerGroup) -> Purchase {
        let told = |number: Number| Some(number).filter(|number| !number.0.is_zero());
        let gpus = group.containers.iter().filter_map(|container| u32::try_from(container.gpu).ok()).sum();
        let mut purchase = self.measured(&group.instance_type, told(group.cpu), told(group.memory), gpus);
        // the cloud's own number, where it says one
        purchase.vcpu = told(group.cpu).map(|cpu| cpu.0).or(purchase.vcpu);
        purchase
    }

    fn measured(&self, types: &str, cpu: Option<Number>, memory: Option<Number>, gpus: u32) -> Purchase {
        let listed: Vec<&str> = types.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let vcpu = cpu.map_or(USUAL_VCPU, |cpu| cpu.0);
        let gib = memory.map_or(USUAL_GIB, |memory| memory.0);
        let prices = &self.prices;
        if listed.is_empty() {
            let price = |price: Option<Number>, units| price.and_then(|price| price.0.checked_mul(units));
            let gpu_price = match gpus {
                0 => Some(Decimal::ZERO),
                some => price(prices.gpu_hour, Decimal::from(some)),
            };
            let parts = [price(prices.vcpu_hour, vcpu), price(prices.gib_hour, gib), gpu_price];
            let yuan_per_hour = parts.into_iter().sum::<Option<Decimal>>();
            return Purchase {
                instances: 1,
                vcpu: Some(vcpu),
                gpu: Some(gpus),
                yuan_per_hour,
                types: String::new(),
            };
        }
        let all = |of: &dyn Fn(&str) -> Option<Decimal>| {
            let each: Option<Vec<Decimal>> = listed.iter().map(|name| of(name)).collect();
            each.and_then(|each| each.into_iter().max())
        };
        let gpu_of = |name: &str| gpus_of(name).map(Decimal::from);
        let most_gpus = all(&gpu_of).and_then(|most| u32::try_from(most).ok());
        Purchase {
            instances: 1,
            vcpu: all(&vcpu_of),
            gpu: most_gpus.map(|most| most.max(gpus)),
            yuan_per_hour: all(&|name| prices.instance_type_hour.get(name).map(|price| price.0)),
            types: listed.join(","),
        }
    }
}

/// The vCPU that an ECS type's name tells: `large` is 2, `xlarge` 4, `8xlarge` 32 (specs.md 5; ECS' naming rule).
fn vcpu_of(name: &str) -> Option<Decimal> {
    let size = name.rsplit('.').next()?;
    let vcpu = match size {
        "large" => 2,
        "xlarge" => 4,
        _ => {
            4 * size.strip_suffix("xlarge")?.parse::<u32>().ok().filter(|times| (2..=256).contains(times))?
        }
    };
    Some(Decimal::from(vcpu))
}

/// The GPUs that an ECS type's name tells: none outside the GPU families; there `c8g1` is one for each 8 vCPU, so that
/// `ecs.gn6i-c8g1.2xlarge` has 1 and `ecs.gn5i-c16g1.8xlarge` 2 (specs.md 5).
fn gpus_of(name: &str) -> Option<u32> {
    let family = name.split('.').nth(1)?;
    if !family.contains("gn") {
        return Some(0);
    }
    let share = family.split('-').nth(1)?.strip_prefix('c')?;
    let (vcpu, gpus) = share.split_once('g')?;
    let (vcpu, gpus): (u32, u32) = (vcpu.parse().ok()?, gpus.parse().ok()?);
    let all: u32 = vcpu_of(name)?.try_into().ok()?;
    all.checked_mul(gpus)?.checked_div(vcpu).filter(|gpus| *gpus > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_type_tells_its_vcpu_and_gpus_or_nothing() {
        for (name, vcpu, gpus) in [
            ("ecs.c6.large", Some(2), Some(0)),
            ("ecs.c6.xlarge", Some(4), Some(0)),
            ("ecs.g8y.16xlarge", Some(64), Some(0)),
            ("ecs.gn5i-c2g1.large", Some(2), Some(1)),
            ("ecs.gn6i-c8g1.2xlarge", Some(8), Some(1)),
            ("ecs.gn5i-c16g1.8xlarge", Some(32), Some(2)),
            ("ecs.vgn6i-m4.xlarge", Some(4), None),
            ("ecs.gn6e.xlarge", Some(4), None),
            ("ecs.c6.", None, Some(0)),
            ("ecs.c6.0xlarge", None, Some(0)),
            ("ecs.c6.99999999999xlarge", None, Some(0)),
            ("ecs.t5.small", None, Some(0)),
            ("large", Some(2), None),
        ] {
            assert_eq!(vcpu_of(name), vcpu.map(Decimal::from), "{name}");
            assert_eq!(gpus_of(name), gpus, "{name}");
        }
    }
}
