// Control records under names of ours, `$...`, as readers find them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/partition_log.h"
#include "store/volume.h"

namespace skald::store {

// Of what may be seen; nullopt when there is none under the name.
Result<std::optional<ControlRecord>> last_control(const PartitionLog& log, lmdb::Env& env,
                                                  const Visible& seen, std::string_view stream);
Result<std::string> control_data(const PartitionLog& log, Offset offset);

}  // namespace skald::store
