// Control records under names of ours, `$...`, as readers find them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/partition_log.h"
#include "store/volume.h"

namespace skald::store {

// Of what may be seen; nullopt when there is none under the name.
Result<std::optional<Offset>> find_last_control(const PartitionLog& log, Offset high_watermark,
                                                std::string_view stream);
Result<std::optional<ControlRecord>> last_control(const PartitionLog& log, Offset high_watermark,
                                                  std::string_view stream);
// Corrupt, with the offset, when no control record of the stream is there.
Result<std::string> control_data(const PartitionLog& log, std::string_view stream, Offset offset);

}  // namespace skald::store
