#include "skald/admin.h"
#include "store/volume.h"

namespace skald {

Result<ScavengeReport> scavenge_directory(const std::string& directory,
                                          const AdminProgress& progress) {
    store::VolumeOptions options;
    options.create = false;
    options.write_ahead = false;
    auto volume = store::Volume::open(directory, options);
    if (!volume) {
        return volume.error();
    }
    return (*volume)->scavenge(progress, {});
}

}  // namespace skald
