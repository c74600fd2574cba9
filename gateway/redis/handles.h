/// hiredis for this layer's own .cc files: its codec only, never its connections.
#pragma once

#include <hiredis/hiredis.h>
