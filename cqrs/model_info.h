// How a version stands, as it travels.
#pragma once

#include "skald/cqrs/read_models.h"
#include "skald/position.h"

namespace skald::cqrs {

ModelVersionInfo info_of(const VersionStatus& status, const Position& head);

}  // namespace skald::cqrs
