#include "cli/commands/directory.h"

namespace skald::cli {

Command directory_command(std::string name, std::string summary,
                          std::function<Result<void>(const std::string&, const Invocation&)> run) {
    auto directory = std::make_shared<std::string>();
    std::string example = "skald " + name + " /var/lib/skald";
    return {
        .name = std::move(name),
        .summary = std::move(summary),
        .example = std::move(example),
        .declare =
            [directory](Arguments& arguments) {
                arguments.text("DIR", "PATH", *directory, "the data directory").path().required();
            },
        .run = [directory, run = std::move(run)](
                   const Invocation& invocation) { return run(*directory, invocation); },
        .children = {}};
}

}  // namespace skald::cli
