//! Tests of the bounds on token reviews, against an API that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::json;
use tower::BoxError;

use super::*;

/// An API that counts its reviews, each of which takes a moment, and for which tokens that begin with `good` are good.
struct CountingApi {
    reviews: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
}

impl CountingApi {
    fn start() -> (Self, TokenReviews) {
        let (reviews, most_at_once, at_once) =
            <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let api = Self { reviews: reviews.clone(), most_at_once: most_at_once.clone() };
        let service = tower::service_fn(move |request: Request<Body>| {
            let (reviews, most_at_once, at_once) = (reviews.clone(), most_at_once.clone(), at_once.clone());
            async move {
                reviews.fetch_add(1, Ordering::Relaxed);
                most_at_once.fetch_max(at_once.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
                at_once.fetch_sub(1, Ordering::Relaxed);
                let body = request.into_body().collect().await?.to_bytes();
                let mut review: serde_json::Value = serde_json::from_slice(&body)?;
                let good = review["spec"]["token"].as_str().is_some_and(|token| token.starts_with("good"));
                review["status"] = json!({ "authenticated": good, "user": { "username": "metrics" } });
                Ok::<_, BoxError>(Response::new(Body::from(review.to_string().into_bytes())))
            }
        });
        (api, TokenReviews::new(Client::new(service, "default")))
    }

    fn reviews(&self) -> usize {
        self.reviews.load(Ordering::Relaxed)
    }
}

async fn identify(reviews: &TokenReviews, token: String) -> Result<bool, StatusCode> {
    let identity = reviews.identify(&token).await.map_err(|refusal| refusal.status)?;
    Ok(identity.is_some())
}

#[tokio::test(start_paused = true)]
async fn strangers_cost_a_burst_of_reviews_and_then_a_few_a_second() {
    let (api, reviews) = CountingApi::start();
    let all = (0..10_000).map(|n| identify(&reviews, format!("bad-{n}")));
    let answers = futures::future::join_all(all).await;
    assert_eq!(api.reviews(), BURST as usize);
    assert!(api.most_at_once.load(Ordering::Relaxed) <= AT_ONCE);
    let refused = answers.iter().filter(|answer| **answer == Err(StatusCode::TOO_MANY_REQUESTS)).count();
    assert_eq!(refused, 10_000 - BURST as usize);
    tokio::time::advance(Duration::from_secs(1)).await;
    for n in 0..100 {
        let _answer = identify(&reviews, format!("worse-{n}")).await;
    }
    assert!(api.reviews() <= BURST as usize + 10, "{} reviews", api.reviews());
}

#[tokio::test(start_paused = true)]
async fn a_bad_token_is_reviewed_once_in_two_minutes() {
    let (api, reviews) = CountingApi::start();
    for _ in 0..100 {
        assert_eq!(identify(&reviews, "bad".to_owned()).await, Ok(false));
    }
    assert_eq!(api.reviews(), 1);
    tokio::time::advance(TOKEN_TTL).await;
    assert_eq!(identify(&reviews, "bad".to_owned()).await, Ok(false));
    assert_eq!(api.reviews(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_was_let_in_before_is_let_in_while_strangers_try_tokens() {
    let (_api, reviews) = CountingApi::start();
    assert_eq!(identify(&reviews, "good".to_owned()).await, Ok(true));
    tokio::time::advance(TOKEN_TTL).await;
    futures::future::join_all((0..10_000).map(|n| identify(&reviews, format!("bad-{n}")))).await;
    assert_eq!(identify(&reviews, "good".to_owned()).await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn one_token_shown_many_times_at_once_costs_few_reviews() {
    let (api, reviews) = CountingApi::start();
    let all = (0..40).map(|_| identify(&reviews, "good".to_owned()));
    assert!(futures::future::join_all(all).await.iter().all(|answer| *answer == Ok(true)));
    assert!(api.reviews() <= AT_ONCE, "{} reviews", api.reviews());
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_bad_tokens_is_bounded() {
    let (_api, reviews) = CountingApi::start();
    for n in 0..2 * BAD_MAX {
        tokio::time::advance(ONE_MORE).await;
        assert_eq!(identify(&reviews, format!("bad-{n}")).await, Ok(false));
    }
    assert!(reviews.memory().bad.len() <= BAD_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_too_long_is_not_reviewed() {
    let (api, reviews) = CountingApi::start();
    assert_eq!(identify(&reviews, "good".repeat(TOKEN_MAX)).await, Ok(false));
    assert_eq!(api.reviews(), 0);
}
