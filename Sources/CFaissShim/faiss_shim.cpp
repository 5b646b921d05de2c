#include "faiss_shim.h"
