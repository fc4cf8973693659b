//! The local stack itself: it starts beside others, and nothing of it is left behind, however it ends.
//!
//! Nearly each test starts stacks of its own, with the program that runs the stack of all other tests.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, TryRecvError},
    thread,
};

use tests::{
    OwnStack, Stack,
    own_stack::{signal, wait_until},
};

#[test]
fn two_stacks_run_side_by_side_and_ctrl_c_ends_only_its_own() {
    let base = free_row_of_ports();
    let mut given = OwnStack::start("given", &["--port-base", &base.to_string()]);
    let mut other = OwnStack::start("other", &[]);
    assert_eq!(given.address("supabase_url"), format!("http://127.0.0.1:{base}"));
    assert!(given.ports().is_disjoint(&other.ports()), "{:?} and {:?}", given.ports(), other.ports());
    assert!(given.answers() && other.answers());

    let (ended, left) = given.interrupt();

    assert!(ended.success(), "Ctrl-C is the ordinary end: {ended}");
    assert_eq!(left, [""; 0], "processes of the first stack");
    assert!(other.answers(), "the second stack goes on");
    other.interrupt();
}

#[test]
fn ctrl_c_twice_leaves_nothing_either() {
    let mut stack = OwnStack::start("twice", &[]);

    signal("INT", stack.xtask_pid());
    signal("INT", stack.xtask_pid());

    stack.wait();
    assert_eq!(stack.left_over(), [""; 0]);
}

#[test]
fn a_stack_whose_command_is_killed_ends_by_itself() {
    let mut stack = OwnStack::start("killed", &[]);

    signal("KILL", stack.xtask_pid());

    stack.wait();
    assert_eq!(stack.left_over(), [""; 0]);
}

#[test]
fn a_stack_whose_guardian_is_killed_is_ended_by_its_command() {
    let mut stack = OwnStack::start("unguarded", &[]);
    let guardian = children_of(stack.xtask_pid());
    let [guardian] = guardian[..] else { panic!("{} has the children {guardian:?}", stack.xtask_pid()) };

    signal("KILL", guardian);

    assert_eq!(stack.wait().code(), Some(1));
    assert_eq!(stack.left_over(), [""; 0]);
}

#[test]
fn a_part_that_dies_ends_the_stack_by_name() {
    let mut stack = OwnStack::start("part", &[]);

    signal("KILL", stack.part("functions")); // which is two processes: Node, and workerd below it

    assert_eq!(stack.wait().code(), Some(1));
    assert_eq!(stack.left_over(), [""; 0]);
    let said = stack.said();
    assert!(said.contains("functions was ended by signal 9"), "{said}");
}

#[test]
fn a_part_that_is_stopped_on_purpose_comes_back_and_the_others_find_it() {
    let stack = OwnStack::start("purpose", &[]);

    stack.ask("stop-part", "postgres");
    assert!(!stack.answers(), "PostgREST has no database");
    stack.ask("start-part", "postgres");

    wait_until("PostgREST finds the database again", || stack.answers());
}

#[tokio::test]
async fn a_second_stack_of_the_same_name_is_refused() {
    let stack = Stack::get().await;
    let running = stack.description();

    let refused = Command::new(&running.xtask).args(["dev", "--name", &running.name]).output().unwrap();

    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("already running"), "{said}");
    stack.service().select("users?limit=1").await.expect_status(200);
}

#[test]
fn a_cron_is_fired_by_hand_and_the_log_is_followed_from_one_stack_to_its_successor() {
    let mut stack = OwnStack::start("clock", &[]);
    let mut log = FollowedLog::of(&stack);

    fire(&stack);
    log.shows_a_run_by_the_clock();
    stack.interrupt();
    let stack = OwnStack::start("clock", &[]); // under the same name
    fire(&stack);

    log.shows_a_run_by_the_clock();
}

fn fire(stack: &OwnStack) {
    let fired = Command::new(stack.program()).args(["cron", "job-runner", "--name", stack.name()]).output().unwrap();
    let said = String::from_utf8_lossy(&fired.stdout).into_owned();
    assert!(fired.status.success() && said.starts_with("job-runner (* * * * *): ok, after "), "{said}");
}

/// `cargo xtask logs --follow`, of the runner alone.
struct FollowedLog {
    command: Child,
    lines: Receiver<String>,
}

impl FollowedLog {
    fn of(stack: &OwnStack) -> Self {
        let mut command = Command::new(stack.program())
            .args(["logs", "--follow", "--function", "job-runner", "--name", stack.name()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(command.stdout.take().unwrap());
        let (shown, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).all(|line| shown.send(line).is_ok()));
        Self { command, lines }
    }

    fn shows_a_run_by_the_clock(&mut self) {
        wait_until("the run is in the log", || match self.lines.try_recv() {
            Ok(line) => line.contains("  job-runner                    cron  "),
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Disconnected) => panic!("the log is not followed any more: {:?}", self.command.wait()),
        });
    }
}

impl Drop for FollowedLog {
    fn drop(&mut self) {
        let _ = self.command.kill();
        let _ = self.command.wait();
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().unwrap();
    let pid = pid.to_string();
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter(|(_, parent)| parent.trim() == pid)
        .map(|(child, _)| child.parse().unwrap())
        .collect()
}

/// The first of six free ports in a row, below those that the system hands out by itself.
fn free_row_of_ports() -> u16 {
    let taken = |port| TcpListener::bind(("127.0.0.1", port)).is_err();
    let mut bases = (20_000..30_000).step_by(10);
    bases.find(|base| !(*base..base + 6).any(taken)).unwrap_or_else(|| panic!("no six free ports in a row"))
}
