"""What insights are joined to: campaigns, ads, creatives, images, and who changed what."""
