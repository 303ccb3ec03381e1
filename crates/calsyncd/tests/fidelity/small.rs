//! The smallest scripts that once showed a difference, by name.

use super::play::play;
use super::script::Script;
use super::world::World;

/// Plays a script that is written as it is printed.
async fn plays(json: &str) {
    let script: Script = serde_json::from_str(json).unwrap();
    let world = World::start().await;
    if let Err(why) = play(&world, &script, false).await {
        panic!("{why}");
    }
}

#[tokio::test]
async fn nothing_at_all_is_in_step() {
    plays(r#"{"version": "exchange2016", "steps": ["sync"]}"#).await;
}
