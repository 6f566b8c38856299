#include "sim/planted.h"

#include <array>

namespace skald::sim {

std::span<const PlantedFault> planted_faults() {
    static constexpr std::array kFaults{
        PlantedFault{Fault::cuts_to_high_watermark, "cuts_to_high_watermark"},
        PlantedFault{Fault::chain_not_compared, "chain_not_compared"},
        PlantedFault{Fault::fence_does_not_stop, "fence_does_not_stop"},
        PlantedFault{Fault::one_copy_too_few, "one_copy_too_few"},
        PlantedFault{Fault::high_watermark_one_ahead, "high_watermark_one_ahead"},
        PlantedFault{Fault::quorums_do_not_meet, "quorums_do_not_meet"},
        PlantedFault{Fault::promise_not_kept, "promise_not_kept"},
        PlantedFault{Fault::first_log_leads, "first_log_leads"},
        PlantedFault{Fault::serves_before_leading, "serves_before_leading"},
        PlantedFault{Fault::primary_goes_on, "primary_goes_on"},
        PlantedFault{Fault::commits_by_stored_set, "commits_by_stored_set"},
        PlantedFault{Fault::leaves_without_wait, "leaves_without_wait"},
        PlantedFault{Fault::joins_behind, "joins_behind"},
        PlantedFault{Fault::reads_without_round, "reads_without_round"},
        PlantedFault{Fault::answers_before_sync, "answers_before_sync"},
        PlantedFault{Fault::wiped_keeps_its_name, "wiped_keeps_its_name"},
        PlantedFault{Fault::refuses_early, "refuses_early"},
    };
    return kFaults;
}

}  // namespace skald::sim
