"""How can AI Customer Service be broken? One module per area, one function per cause."""

from lab.registry import FaultsOf

fault = FaultsOf("ai-customer-service")
