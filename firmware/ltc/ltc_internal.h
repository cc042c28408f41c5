/* What the files of the runtime share and a caller need not see. */
#ifndef LTC_INTERNAL_H
#define LTC_INTERNAL_H

#include "ltc.h"
#include "ltc_image.h"

/* An image is read in place, and negative numbers are shifted right: what C leaves to the compiler.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are little-endian");
_Static_assert((-3 >> 1) == -2, "a right shift rounds down");

/* What is not in an inner loop: made small, and not copied to each place that calls it. */
#define LTC_COLD __attribute__((cold, noinline))

#endif
