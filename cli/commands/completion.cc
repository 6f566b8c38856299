// skald completion: what the shell needs to complete our commands.
#include "cli/app.h"
#include "cli/commands/commands.h"
#include "cli/output.h"

namespace skald::cli {

Command completion_command() {
    auto shell = std::make_shared<std::string>();
    return {.name = "completion",
            .summary = "Print the completion script of a shell",
            .example = "skald completion bash > /etc/bash_completion.d/skald",
            .declare =
                [shell](Arguments& arguments) {
                    arguments.text("SHELL", "", *shell, "bash or zsh")
                        .one_of({"bash", "zsh"})
                        .required();
                },
            .run = [shell](const Invocation& invocation) -> Result<void> {
                Output output(invocation);
                output.line(completion_script(*shell, all_commands()));
                return output.flush();
            },
            .children = {}};
}

}  // namespace skald::cli
