//! Orders: signed ones pass, and every way to forge, bend, delay or repeat one is refused by name.

use proptest::prelude::*;

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.trust("key_1", key().verifying_key().as_bytes())
        .unwrap();
    ring
}

fn order() -> Order {
    Order {
        key_id: "key_1".into(),
        agent_id: "agt_1".into(),
        sequence: 5,
        expires_at_ms: NOW_MS + 60_000,
        kind: OrderKind::Script.into(),
        run: "run_1".into(),
        script: b"#!/bin/sh\necho ok\n".to_vec(),
        arguments: vec!["a b".into()],
        environment: BTreeMap::from([("TARGET".into(), "/var".into())]),
        ..Order::default()
    }
}

fn refused(order: Order) -> OrderError {
    ring()
        .verify(&order.sign(&key()), "agt_1", NOW_MS)
        .unwrap_err()
}

#[test]
fn a_signed_order_passes_and_comes_back_whole() {
    let signed = order().sign(&key());
    let travelled = SignedOrder::decode(signed.encode_to_vec().as_slice()).unwrap();
    let verified = ring().verify(&travelled, "agt_1", NOW_MS).unwrap();
    assert_eq!(verified.script, order().script);
    assert_eq!(
        verified.hash().unwrap(),
        *blake3::hash(&order().script).as_bytes()
    );
}

#[test]
fn the_bytes_of_an_order_are_golden() {
    let signed = order().sign(&key());
    let hash = blake3::hash(&signed.encode_to_vec()).to_hex();
    assert_eq!(
        hash.as_str(),
        include_str!("../../fixtures/order-v1.blake3").trim()
    );
}

#[test]
fn every_flipped_bit_is_refused() {
    let signed = order().sign(&key());
    for at in 0..signed.order.len() {
        let mut bent = signed.clone();
        bent.order[at] ^= 1;
        assert!(ring().verify(&bent, "agt_1", NOW_MS).is_err(), "byte {at}");
    }
    for at in 0..64 {
        let mut bent = signed.clone();
        bent.signature[at] ^= 1;
        let error = ring().verify(&bent, "agt_1", NOW_MS).unwrap_err();
        assert_eq!(error, OrderError::BadSignature("key_1".into()));
    }
}

#[test]
fn strangers_wrong_times_and_wrong_agents_are_named() {
    let stranger = SigningKey::from_bytes(&[8; 32]);
    let error = ring()
        .verify(&order().sign(&stranger), "agt_1", NOW_MS)
        .unwrap_err();
    assert_eq!(error, OrderError::BadSignature("key_1".into()));
    let unknown = Order {
        key_id: "key_9".into(),
        ..order()
    };
    assert_eq!(refused(unknown), OrderError::UnknownKey("key_9".into()));
    let late = Order {
        expires_at_ms: NOW_MS - 250,
        ..order()
    };
    assert_eq!(refused(late).to_string(), "the order expired 250 ms ago");
    let ahead_ms = limits::ORDER_EXPIRY_MS_MAX + 1;
    let early = Order {
        expires_at_ms: NOW_MS + ahead_ms,
        ..order()
    };
    assert_eq!(refused(early), OrderError::TooFarAhead { ahead_ms });
    let other = Order {
        agent_id: "agt_2".into(),
        ..order()
    };
    assert!(matches!(refused(other), OrderError::WrongAgent { .. }));
}

#[test]
fn contradictions_and_newer_orders_are_refused() {
    let both = Order {
        path: "/bin/true".into(),
        ..order()
    };
    assert!(matches!(refused(both), OrderError::Contradiction(_)));
    let relative = Order {
        kind: OrderKind::Command.into(),
        script: Vec::new(),
        path: "bin/true".into(),
        program_hash: vec![0; 32],
        ..order()
    };
    assert!(matches!(refused(relative), OrderError::Contradiction(_)));
    // A signed order whose script does not fit its hash, and one with a field from the future.
    let resign = |bytes: Vec<u8>| {
        let signature = key().sign(&signed_text(&bytes)).to_bytes().to_vec();
        ring()
            .verify(
                &SignedOrder {
                    order: bytes,
                    signature,
                },
                "agt_1",
                NOW_MS,
            )
            .unwrap_err()
    };
    let wrong = Order {
        version: 1,
        program_hash: vec![1; 32],
        ..order()
    };
    assert_eq!(resign(wrong.encode_to_vec()), OrderError::WrongHash);
    let mut newer = order().sign(&key()).order;
    newer.extend([0xA0, 0x06, 0x01]); // field 100, a varint
    assert_eq!(resign(newer), OrderError::NotUnderstood);
    let version = Order {
        version: 2,
        ..order()
    };
    assert_eq!(resign(version.encode_to_vec()), OrderError::Version(2));
}

#[test]
fn a_key_file_is_read_when_only_root_can_write_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = crate::runner::scratch("keys");
    let path = dir.join("keys");
    let hex = blake3::Hash::from_bytes(*key().verifying_key().as_bytes()).to_hex();
    std::fs::write(&path, format!("# the server's keys\nkey_1 {hex}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ring = KeyRing::load(&path).unwrap();
    assert!(ring.verify(&order().sign(&key()), "agt_1", NOW_MS).is_ok());
    std::fs::write(&path, "key_1 12\n").unwrap();
    assert!(matches!(
        KeyRing::load(&path),
        Err(KeyRingError::Line { line: 1, .. })
    ));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(
        KeyRing::load(&path),
        Err(KeyRingError::NotRoots(_))
    ));
    std::fs::remove_dir_all(dir).unwrap();
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_pass(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz_order(&data);
    }
}
