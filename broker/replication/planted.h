// Faults that the simulator plants in the core, to see that its checks find them. Elsewhere there
// are none, and nothing of this is compiled.
#pragma once

#include <cstdint>

namespace skald::broker::replication {

// Each named by what is wrong. The rule that it breaks, and who had it, stand in
// docs/replication.md.
enum class Fault : std::uint8_t {
    none,
    cuts_to_high_watermark,  // a follower begins by cutting its log to what it knows committed
    chain_not_compared,      // logs of the same length are taken for the same
    fence_does_not_stop,     // whoever answers one goes on in the epoch before
    one_copy_too_few,        // commits a record
    high_watermark_one_ahead,
    quorums_do_not_meet,    // a takeover asks one member too few
    promise_not_kept,       // over a restart
    first_log_leads,        // whoever takes over has the longest log, it thinks
    serves_before_leading,  // others cut their logs to one that does not lead
    primary_goes_on,        // in its epoch, after a restart
    commits_by_stored_set,  // while another is under way
    leaves_without_wait,    // who stays in sync may lack what the one that goes had
    joins_behind,           // and is in sync without all that is committed
    reads_without_round,    // a primary answers reads although it may be none any more
    answers_before_sync,    // a disk forgets what it said was written
    wiped_keeps_its_name,   // a node without its disk is the one it was
    refuses_early,          // a conflict is answered before what caused it is committed
};

#ifdef SKALD_PLANTED_FAULTS
// Of the run that this thread is in.
inline thread_local Fault planted_fault = Fault::none;
inline bool planted(Fault fault) {
    return planted_fault == fault;
}
#else
constexpr bool planted(Fault) {
    return false;
}
#endif

}  // namespace skald::broker::replication
