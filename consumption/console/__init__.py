"""The console's pages of exports and imports."""

from hypermedia import subjects

subjects.register("generic/readconsumptionbatches/{id}", "consumption_readconsumptionbatch")
subjects.register("generic/writeconsumptionbatches/{id}", "consumption_writeconsumptionbatch")
subjects.register("generic/consumptions/{id}", "consumption_consumption")
