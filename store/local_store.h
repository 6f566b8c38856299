// The EventStore over a volume in this process.
#pragma once

#include <memory>

#include "skald/event_store.h"
#include "store/volume.h"

namespace skald::store {

// The volume must outlive the store.
std::unique_ptr<EventStore> make_local_store(Volume& volume);

}  // namespace skald::store
