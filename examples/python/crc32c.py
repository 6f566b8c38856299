"""CRC-32C (Castagnoli), the checksum of everything skald sends and stores."""

_POLYNOMIAL = 0x82F63B78  # reflected


def _remainder(byte):
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(_remainder(byte) for byte in range(256))


def crc32c(data, crc=0):
    """The checksum of `data`; `crc` is that of the bytes before it, 0 when there are none."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
