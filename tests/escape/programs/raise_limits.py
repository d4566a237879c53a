"""Raises limits above what they are, or lifts them."""
import resource
raised = []
for name in ("CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE", "NPROC", "RTPRIO", "RTTIME", "SIGPENDING", "STACK"):
    kind = getattr(resource, "RLIMIT_" + name, None)
    kind = 15 if name == "RTTIME" else kind
    soft, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY:
        continue
    try:
        resource.setrlimit(kind, (soft, hard + 1))
        raised.append(name)
    except (OSError, ValueError) as error:
        print(name, error)
print(f"ESCAPED: {raised}" if raised else "CONTAINED")
