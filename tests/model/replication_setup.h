// What is varied between searches of the replication model: mode, bounds, and rules left out.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace skald::model {

// Rules broken on purpose. Names say what is done wrong.
enum class Bug : unsigned {
    truncate_to_hw,            // R10: cuts to the HW it knows instead of to the first divergence
    single_step_truncation,    // R10: asks once, and takes what follows without R2's check
    unclean_eligible,          // R11: fsync off, and an unclean restart stays a member
    join_by_registry,          // R5: the ISR entry names the disk of now, not the one that fetched
    no_epoch_check,            // R1: a fenced member goes on with the primary of an older epoch
    commit_prior_epoch,        // R3: an inherited tail is committed by counting
    ack_before_fsync,          // R2: states its LEO before it is durable
    proposed_set_only,         // R3: HW by an uncommitted configuration as if it were stored
    stored_set_only,           // R3: HW by the stored set while a change of it is unknown
    late_fetch_counted,        // R1: a fetch of an older epoch counts
    hw_off_by_one,             // R3
    promise_not_persisted,     // R1: lost by a crash
    promise_skipped,           // R1: answers FENCE and goes on
    election_too_small,        // R4: C + E = n
    no_wait_in_shrink,         // R5: a member leaves while others lack committed records
    reject_uncommitted,        // R7: an answer rests on a record above HW
    merge_above_hw,            // merges what may be cut
    fence_unproven,            // R11: an empty disk's answer to FENCE counts
    join_at_known_hw,          // R5 as once written: join at the HW the primary happens to know
    restart_same_epoch,        // R9: who restarted opens, or goes on, in the epoch it had
    reread_is_answer,          // a CAS not seen done is taken for one that never will be
    winner_by_length,          // R9.5: the longest log wins, whatever its last epoch
    activate_all_responders,   // R9.7: the new ISR takes in who is not durable to L
    gap_is_rejected,           // L3: a gap is answered as certainly nothing written
    fenced_before_repeat,      // L3: FENCED, though the very request is in the log
    producer_not_fenced,       // L3: an older producer epoch is taken
    read_unconfirmed,          // R6: no confirmation round
    primary_receipt_final,     // L1: `ack: primary` names an offset that is to stay
    read_before_barrier,       // R6: the barrier of the epoch is not awaited
    choose_again,              // R9.5: a second choice in one epoch
    hw_unchecked,              // takes a HW along with records it does not take
    read_epoch_not_persisted,  // R1: an epoch learnt from the store is not kept through a crash
    restarted_serves,          // R10: a restarted primary tells offsets and records of its epoch
};

class Bugs {
  public:
    constexpr Bugs(std::initializer_list<Bug> bugs) {
        for (const Bug bug : bugs) {
            bits_ |= std::uint64_t{1} << static_cast<unsigned>(bug);
        }
    }
    [[nodiscard]] constexpr bool has(Bug bug) const {
        return (bits_ >> static_cast<unsigned>(bug) & 1U) != 0;
    }

  private:
    std::uint64_t bits_ = 0;
};

// How far the search goes. Events: 1 and 2 are one producer's first and second in its epoch 1, 3 is
// the first of its epoch 2.
struct Bounds {
    int nodes = 3;
    int events = 1;     // 1..events may be appended
    int epochs = 2;     // the highest that may be claimed; the first is 1
    int log = 4;        // records in a log
    int messages = 2;   // between nodes, in flight at once
    int changes = 1;    // compare-and-swaps in flight at once
    int revisions = 2;  // changes of the configuration within one epoch
    int crashes = 0;    // of one node, or all at once
    int wipes = 0;
    int reads = 0;              // linearizable reads
    bool primary_acks = false;  // appends with `ack: primary`
    bool members = false;       // the ISR changes
    bool duplicates = false;    // a message may arrive again
    bool merges = false;
    bool lazy_sync = false;  // appended and durable are two steps; else one
};

struct Setup {
    std::string name;
    int k = 0;  // copies that commit; 0: all of the ISR
    int min_isr = 1;
    int isr = 7;  // at the start, as a mask; node 0 is the primary
    bool fsync = true;
    Bounds bounds;
    Bugs bugs{};
};

}  // namespace skald::model
