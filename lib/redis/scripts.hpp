/// What the Redis broker has Redis do in one step: Lua scripts. docs/redis.md tells what is in the keys.
#pragma once

#include "redis/script.hpp"

namespace coax::redis {

/// Appends to the log of a topic and tells its subscribers.
///
/// KEYS  state, log, memory, channel
/// ARGV  1 epoch for a new history   2 tag   3 body of the entry   4 history size   5 its age in ms
///       6 whether these two are said ("1") or only the default ("0")   7 ms to remember a topic beyond its history
///       8 ms to remember the publication   9 PUBLISH or SPUBLISH   10 number of the publication, "0" if `memory` is
///       that of an idempotency key   11 how many of its numbers in this topic have no reply yet, itself included
/// Returns "epoch offset tag" of the entry; of the first one if it has been published before.
const script& publish_script();

/// Reads the log of a topic, which it begins if there is none.
///
/// KEYS  state, log
/// ARGV  1 epoch for a new history   2 default history size   3 its age in ms   4 ms to remember a topic beyond it
///       5 epoch ("" for none), 6 offset and 7 tag of where to begin   8 the most entries
/// Returns found ("whole", "too_old", "forked"), "epoch offset tag" of the end, "1" if there is more, and a list of
/// the entries as offset, entry, offset, entry ...
const script& history_script();

/// Changes who is present in a topic, and tells its subscribers of users that come and go.
///
/// KEYS  members, users, channel
/// ARGV  1 PUBLISH or SPUBLISH   2 lease   3 "enter", "leave", or "only": whoever else is here by this lease leaves
///       4.. owner, handle, user, data; four for each member (of those that leave, only the first two count)
/// Returns nothing of interest.
const script& presence_script();

/// Renews a lease, and sees whose has run out.
///
/// KEYS  alive, lost, nodes
/// ARGV  1 lease   2 what the node tells of itself   3 ms a lease lasts
/// Returns whether the lease was there ("1", "0"), and those leases whose members the caller is to take out.
const script& lease_script();

/// Ends leases. KEYS alive, lost, nodes, ARGV leases.
const script& farewell_script();
/// Ends one's own lease.
const script& retire_script();

/// KEYS alive, nodes. Returns what each node that is alive tells of itself, and how many ms ago it did, in turn.
const script& nodes_script();

}  // namespace coax::redis
