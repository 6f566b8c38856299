// The node's figures as Prometheus text, and what it is as JSON.
#pragma once

#include <string>
#include <vector>

#include "broker/agent.h"
#include "broker/coord_host.h"
#include "skald/consumers.h"
#include "store/volume.h"

namespace skald::broker {

std::string metrics_text(const NodeStats& stats, const store::VolumeInfo& info,
                         const std::vector<ConsumerStatus>& consumers, const CoordStats& coord);
std::string info_json(const store::VolumeInfo& info, const std::vector<std::string>& endpoints);

}  // namespace skald::broker
