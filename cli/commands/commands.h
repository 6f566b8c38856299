// Every command, one file each; table.cc lists them.
#pragma once

#include <vector>

#include "cli/command.h"

namespace skald::cli {

Command pub_command();
Command import_command();
Command export_command();
Command read_command();
Command sub_command();
Command stream_command();
Command projection_command();
Command consumer_command();
Command query_command();
Command aggregate_command();
Command verify_command();
Command backup_command();
Command restore_command();
Command scavenge_command();
Command info_command();
Command bench_command();
Command lock_command();
Command elect_command();
Command service_command();
Command config_command();
Command keys_command();
Command completion_command();
Command serve_command();

// In the order of --help.
std::vector<Command> all_commands();

}  // namespace skald::cli
