// skald keys: CURVE key pairs.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/curve_keys.h"
#include "cli/json_writer.h"
#include "cli/output.h"

namespace skald::cli {
namespace {

Result<void> run(const std::string& path, const Invocation& invocation) {
    const CurveKeys keys = make_curve_keys();
    if (auto written = write_secret_key(path, keys.secret_key); !written) {
        return written;
    }
    Output output(invocation);
    if (output.json()) {
        std::string text;
        JsonWriter(text)
            .begin_object()
            .field("public_key", keys.public_key)
            .field("secret_key_file", path)
            .end_object();
        output.line(text);
    } else {
        output.line(keys.public_key);
    }
    return output.flush();
}

}  // namespace

Command keys_command() {
    auto path = std::make_shared<std::string>("skald.key");
    return {.name = "keys",
            .summary = "Make keys for encrypted connections",
            .example = "skald keys new /etc/skald/node.key",
            .declare = {},
            .run = {},
            .children = {
                {.name = "new",
                 .summary =
                     "Make a key pair: the secret key goes into a file, the public one is printed",
                 .example = "skald keys new /etc/skald/node.key",
                 .declare =
                     [path](Arguments& arguments) {
                         arguments
                             .text("FILE", "PATH", *path,
                                   "the secret key's file; default skald.key")
                             .path();
                     },
                 .run = [path](const Invocation& invocation) { return run(*path, invocation); },
                 .children = {}}}};
}

}  // namespace skald::cli
