//! The circuit breaker of a vendor by itself. Here it is that of a vendor that nothing calls; the others are held closed.

use futures_util::future::join_all;
use serde_json::json;
use shared::vendors::{CallOutcome, FAULTS};
use tests::Stack;

const VENDOR: &str = "openai";

struct Breaker<'a>(&'a Stack);

impl Breaker<'_> {
    /// How long to wait; none: call now.
    async fn pass(&self) -> Option<i32> {
        self.pass_for("false").await
    }

    async fn pass_for(&self, costs_nothing: &str) -> Option<i32> {
        let sql = format!("select private.pass_circuit_breaker('{VENDOR}', {costs_nothing})");
        self.0.database().query(&sql, &[]).await[0].get(0)
    }

    async fn note(&self, outcome: &str) {
        self.note_with(outcome, "null, false").await;
    }

    async fn note_with(&self, outcome: &str, arguments: &str) {
        let sql = format!("select private.note_vendor_call('{VENDOR}', '{outcome}', {arguments})");
        self.0.database().query(&sql, &[]).await;
    }

    /// Lets the pause, or the time of a trial, be over.
    async fn is_due(&self, column: &str) {
        let sql = format!("update private.circuit_breakers set {column} = clock_timestamp() where vendor = '{VENDOR}'");
        self.0.database().query(&sql, &[]).await;
    }

    /// For how many seconds it opens after this. Then the pause is over.
    async fn opens(&self, outcome: &str) -> i32 {
        self.note(outcome).await;
        assert!(self.pass().await.is_some(), "closed after {outcome}");
        let pause = self.pause().await;
        self.is_due("open_until").await;
        pause
    }

    async fn pause(&self) -> i32 {
        let sql = format!(
            "select extract(epoch from open_until - updated_at)::integer
             from private.circuit_breakers where vendor = '{VENDOR}'"
        );
        self.0.database().query(&sql, &[]).await[0].get(0)
    }

    async fn row(&self) -> Option<String> {
        let sql = format!("select xmin::text || failures from private.circuit_breakers where vendor = '{VENDOR}'");
        self.0.database().query(&sql, &[]).await.first().map(|row| row.get(0))
    }

    async fn begin_anew(&self) {
        let sql = format!("delete from private.circuit_breakers where vendor = '{VENDOR}'");
        self.0.database().query(&sql, &[]).await;
    }
}

/// One test, because the vendor has one breaker.
#[tokio::test]
async fn a_vendor_in_trouble_is_left_alone_and_tried_by_one_caller_at_a_time() {
    let stack = Stack::get().await;
    let breaker = Breaker(&stack);
    breaker.begin_anew().await;

    // Closed: nothing is written, and what fails four times and then works stays closed.
    assert_eq!(breaker.pass().await, None);
    breaker.note("succeeded").await;
    assert_eq!(breaker.row().await, None, "the happy path leaves no row");
    for _ in 0..2 {
        for _ in 0..4 {
            breaker.note("failed").await;
        }
        assert_eq!(breaker.pass().await, None);
        breaker.note("succeeded").await;
        assert_eq!(breaker.row().await, None);
    }

    // Five in a row open it. Those that come later were on their way, and do not make the pause longer.
    for _ in 0..5 {
        breaker.note("failed").await;
    }
    assert_eq!(breaker.pause().await, 30);
    for _ in 0..4 {
        breaker.note("failed").await;
    }
    assert!(breaker.pass().await.is_some_and(|wait| wait <= 30));
    assert!(breaker.pass_for("true").await.is_some(), "what costs nothing would fail as well");

    // When the pause is over, one of twenty tries; a second one only when nothing was heard of the first.
    breaker.is_due("open_until").await;
    let at_once = join_all((0..20).map(async |_| {
        let client = stack.database().connect().await;
        let sql = format!("select private.pass_circuit_breaker('{VENDOR}')");
        client.query_one(&sql, &[]).await.unwrap().get::<_, Option<i32>>(0)
    }))
    .await;
    assert_eq!(at_once.iter().filter(|wait| wait.is_none()).count(), 1, "{at_once:?}");
    assert!(at_once.iter().flatten().all(|wait| (1..=60).contains(wait)), "{at_once:?}");
    assert!(breaker.pass().await.is_some());
    breaker.is_due("trial_until").await;
    assert_eq!(breaker.pass().await, None, "whoever tried has died");

    // Each trial that fails makes the pause longer, up to a bound.
    let mut pauses = Vec::new();
    for _ in 0..7 {
        pauses.push(breaker.opens("failed").await);
    }
    assert_eq!(pauses, [60, 120, 240, 480, 900, 900, 900]);

    // A trial that works closes it. The next opening within the hour still remembers the last ones.
    assert_eq!(breaker.pass().await, None);
    breaker.note("succeeded").await;
    assert_eq!(breaker.pass().await, None);
    let row = breaker.row().await;
    breaker.note("succeeded").await;
    assert_eq!(breaker.row().await, row, "going well writes nothing");
    assert_eq!(breaker.opens("limited").await, 900);
    breaker.note("succeeded").await;
    breaker.is_due("updated_at").await;
    let old = "update private.circuit_breakers set updated_at = clock_timestamp() - interval '61 minutes'
               where vendor = $1";
    stack.database().query(old, &[&VENDOR]).await;
    breaker.note("succeeded").await;
    assert_eq!(breaker.row().await, None, "it went well for an hour");

    // What somebody has to mend opens it at once and for longer, and so does what the vendor asks for.
    assert_eq!(breaker.opens("refused").await, 300);
    assert_eq!(breaker.opens("spent").await, 600);
    breaker.begin_anew().await;
    breaker.note_with("limited", "77, false").await;
    assert!(breaker.pass().await.is_some());
    assert_eq!(breaker.pause().await, 77);
    assert_eq!(breaker.pass_for("true").await, None, "what costs nothing goes on");
    breaker.note_with("succeeded", "null, true").await;
    assert!(breaker.pass().await.is_some(), "and proves nothing");
    breaker.begin_anew().await;
    breaker.note_with("limited", "99999999999, false").await;
    assert_eq!(breaker.pause().await, 86_400);

    // An operator's word stands.
    let hold = async |held: &str| {
        let sql = "update private.circuit_breakers set held = $2 where vendor = $1";
        stack.database().query(sql, &[&VENDOR, &held]).await;
    };
    hold("closed").await;
    breaker.note("refused").await;
    assert_eq!(breaker.pass().await, None);
    hold("open").await;
    breaker.note("succeeded").await;
    assert_eq!((breaker.pass().await, breaker.pass_for("true").await), (Some(300), Some(300)));
    breaker.begin_anew().await;
}

#[tokio::test]
async fn a_code_says_the_same_in_sql_as_in_rust() {
    let stack = Stack::get().await;
    for fault in FAULTS.iter().flat_map(|faults| faults.all()) {
        let sql = "select to_jsonb(private.call_outcome($1))";
        let row = &stack.database().query(sql, &[&fault.code]).await[0];
        let outcome: Option<serde_json::Value> = row.get(0);
        assert_eq!(outcome, CallOutcome::of(fault).map(|outcome| json!(outcome)), "{}", fault.code);
    }
    let other = stack.database().query("select private.call_outcome('database_failed') is null", &[]).await;
    assert!(other[0].get::<_, bool>(0), "the database is no vendor");
}
