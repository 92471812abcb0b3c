import time
import tests.crash.test_killed_loads as t, tests.crash.checks as c
def timed(mod,name):
    f=getattr(mod,name)
    def g(*a,**k):
        b=time.monotonic()
        try: return f(*a,**k)
        finally: print(f"   {name} {time.monotonic()-b:.2f}")
    setattr(mod,name,g)
for n in ("check_after_crash","check_again"): timed(t,n)
for n in ("recover","quiet","check_completed","check_nothing","check_clean"): timed(c,n)
from tests.crash.conftest import Zygote
timed(Zygote,"load")
