//! How much is taken in: of a token, of a body that nobody reads, of a vendor's answer.

use serde_json::json;
use tests::{Fault, Function, Stack, TokenSpec, allowance::boundless};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uuid::Uuid;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A genuine token of exactly this length. What fills it stands in the claims, and what base64 leaves over in the header.
async fn token_of_length(stack: &Stack, subject: &str, length: usize) -> String {
    let mint = async |header: usize, claims: usize| {
        let filled = |size: usize| [("filled_with".to_owned(), json!("x".repeat(size)))].into_iter().collect();
        let spec = TokenSpec { sub: subject.to_owned(), ..TokenSpec::default() };
        stack.clerk().mint(&TokenSpec { header: filled(header), claims: filled(claims), ..spec }).await
    };
    let about = (length - mint(3, 0).await.len()) / 4 * 3;
    for header in 1..=3 {
        for claims in about - 3..=about + 3 {
            let token = mint(header, claims).await;
            if token.len() == length {
                return token;
            }
        }
    }
    panic!("no token of Clerk's has {length} characters")
}

#[tokio::test]
async fn a_token_of_16_kib_lets_in_and_one_byte_more_does_not() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let body = json!({ "application_id": Uuid::new_v4() });
    for (length, status, code) in [(16 * KIB, 404, "application_not_found"), (16 * KIB + 1, 401, "token_malformed")] {
        let token = token_of_length(&stack, &person.clerk_user_id, length).await;
        let reply = stack.bearer(&token).invoke("initiate-skyvern-application", &body).await;
        reply.expect_problem(status, code);
    }
}

/// Posts a body in chunks until there is an answer, or so much is sent. Returns how much was, and the first line of the
/// answer, which is empty if the connection was broken off.
async fn posted_without_end(stack: &Stack, function: Function, most: usize) -> (usize, String) {
    let url = stack.function_url(function.name).parse::<url::Url>().unwrap();
    let address = url.socket_addrs(|| None).unwrap();
    let (mut receiving, mut sending) = TcpStream::connect(address.as_slice()).await.unwrap().into_split();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: functions\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        url.path()
    );
    let answer = tokio::spawn(async move {
        let mut answer = vec![0; 64];
        let length = receiving.read(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
    });
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 64 * KIB], b"\r\n"].concat();
    let mut sent = 0;
    sending.write_all(head.as_bytes()).await.unwrap();
    while sent < most && !answer.is_finished() && sending.write_all(&chunk).await.is_ok() {
        sent += 64 * KIB;
    }
    if sent >= most {
        // It is over: whoever waited for the end answers now.
        let _ = sending.write_all(b"0\r\n\r\n").await;
    }
    (sent, answer.await.unwrap())
}

#[tokio::test]
async fn a_body_that_is_too_long_is_taken_in_up_to_16_mib_so_that_the_refusal_is_seen_and_no_further() {
    let stack = Stack::get().await;
    for name in ["generate-resume-signed-url", "skyvern-webhook-handler"] {
        let function = Function::named(name);
        let (sent, answer) = posted_without_end(&stack, function, 15 * MIB).await;
        assert_eq!((sent, answer.as_str()), (15 * MIB, "HTTP/1.1 413 Payload Too Large"), "{name}");
        let (sent, answer) = posted_without_end(&stack, function, 512 * MIB).await;
        assert!(sent < 64 * MIB, "{name} takes {sent} bytes of a body without end");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{name}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_of_a_vendor_is_read_up_to_4_mib() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await.caller().await;
    // Behind the answer, which has some kilobytes itself, comes as much white space.
    for (bytes, status) in [(4 * MIB - 64 * KIB, 200), (4 * MIB, 502)] {
        let word = format!("w{}", Uuid::new_v4().simple());
        stack.adzuna().fail_once(&word, Fault::Padded { bytes }).await;
        let reply = ada.invoke("adzuna-job-search", &json!({ "keywords": word })).await;
        assert_eq!(reply.status, status, "{bytes} bytes more: {reply:?}");
        assert!(status == 200 || reply.code() == "adzuna_unreadable", "{reply:?}");
    }
}
