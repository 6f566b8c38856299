// What commands work on, as functions, so that tests put something else in their place.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "skald/admin.h"
#include "skald/client.h"
#include "skald/consumers.h"
#include "skald/coord.h"
#include "skald/node.h"
#include "skald/services.h"
#include "skald/store.h"

namespace skald::cli {

struct Backends {
    std::function<Result<std::unique_ptr<EventStore>>(const std::string& directory,
                                                      const StoreOptions&)>
        open;
    std::function<Result<std::unique_ptr<EventStore>>(const ClientOptions&)> connect;
    std::function<Result<std::unique_ptr<Services>>(const ClientOptions&)> connect_services;
    std::function<Result<std::unique_ptr<Consumers>>(const ClientOptions&)> connect_consumers;
    std::function<Result<std::unique_ptr<coord::Coord>>(const ClientOptions&)> connect_coord;
    std::function<Result<std::unique_ptr<Node>>(const NodeOptions&)> start_node;
    std::function<Result<VerifyReport>(const std::string& directory, const AdminProgress&)> verify;
    std::function<Result<BackupReport>(const std::string& directory, const std::string& out,
                                       const AdminProgress&)>
        backup;
    std::function<Result<BackupReport>(const ClientOptions&, const std::string& out,
                                       const AdminProgress&)>
        backup_node;
    std::function<Result<RestoreReport>(const std::string& in, const std::string& directory,
                                        const AdminProgress&)>
        restore;
    std::function<Result<ScavengeReport>(const std::string& directory, const AdminProgress&)>
        scavenge;
    std::function<Result<ScavengeReport>(const ClientOptions&, const AdminProgress&)> scavenge_node;
    std::function<Result<DirectoryInfo>(const std::string& directory)> info;
};

// The real ones.
Backends real_backends();

}  // namespace skald::cli
