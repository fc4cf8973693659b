//! `cargo xtask demo`, on stacks that run already.

use std::process::{Command, Output};

use tests::OwnStack;

fn demo(stack: &OwnStack) -> Output {
    Command::new(stack.program()).args(["demo", "--name", stack.name()]).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_demo_tells_its_story_on_a_running_stack_and_can_tell_it_again() {
    let own = OwnStack::start("story", &[]);

    for time in ["the first time", "the second time"] {
        let told = demo(&own);
        assert!(told.status.success(), "{time}: {}", said(&told));
        for part in
            ["SUBMITTED_BY_SKYVERN (skyvern_webhook)", "SUBMITTED_BY_SKYVERN (reconciler)", "on her phone: New job for"]
        {
            assert!(said(&told).contains(part), "{time}, {part}: {}", said(&told));
        }
    }
}

#[tokio::test]
async fn the_demo_starts_no_run_where_skyvern_is_a_real_one() {
    let file = std::env::temp_dir().join(format!("jobraker-demo-{}.vars", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let own = OwnStack::start("real", &["--vars", file.to_str().unwrap()]);
    for (purpose, setting) in [("url", "SKYVERN_API_URL=http://127.0.0.1:9"), ("key", "SKYVERN_API_KEY=a-real-key")] {
        let stack = own.with_settings(&file, setting);

        let refused = demo(&own);

        assert_eq!(refused.status.code(), Some(1), "{purpose}: {}", said(&refused));
        assert!(said(&refused).contains("would start real runs"), "{purpose}: {}", said(&refused));
        let begun = stack.database().query("select from public.applications", &[]).await;
        assert!(begun.is_empty(), "{purpose}: nothing was begun");
    }
    std::fs::remove_file(&file).unwrap();
}
