import time, pytest, cProfile, pstats
from tests.api.world import make_world
@pytest.mark.django_db
def test_speed():
    w=make_world()
    names=w.identifiers("client","own")
    c=w.clients["client"]
    for path in ("/api/generic/tasks/"+names["tasks"], "/api/generic/readconsumptionbatches/"+names["readconsumptionbatches"]):
        for m in ("GET","PUT"):
            t=time.process_time(); u=time.perf_counter()
            for _ in range(200): c.request(m,path)
            print(m,path,(time.process_time()-t)*5,"ms cpu",(time.perf_counter()-u)*5, "ms wall")
    p=cProfile.Profile(); p.enable()
    for _ in range(200): c.get(path)
    p.disable(); pstats.Stats(p).sort_stats("cumtime").print_stats(60)
