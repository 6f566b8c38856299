#include "cli/commands/commands.h"

namespace skald::cli {

std::vector<Command> all_commands() {
    return {serve_command(),    pub_command(),     import_command(),    export_command(),
            read_command(),     sub_command(),     stream_command(),    projection_command(),
            consumer_command(), query_command(),   aggregate_command(), lock_command(),
            elect_command(),    service_command(), config_command(),    verify_command(),
            backup_command(),   restore_command(), scavenge_command(),  info_command(),
            bench_command(),    keys_command(),    completion_command()};
}

}  // namespace skald::cli
