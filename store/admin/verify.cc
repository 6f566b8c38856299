// Reads everything again: records, chain, gaplessness, then what is derived from them (rule L8).
#include "store/admin/verifier.h"

namespace skald {

Result<VerifyReport> verify_directory(const std::string& path, const AdminProgress& progress) {
    auto directory = store::open_exclusively(path);
    if (!directory) {
        return directory.error();
    }
    return store::Verifier(*directory, progress).run();
}

}  // namespace skald
