"""Campaigns, ad sets, ads and creatives: what insights are joined to."""
